/** LPIPS as its definition: naive loops in float64 over the file's own tensors, channels first. Never optimised. */
import { headName, inputScale, inputShift, trunk } from "../../src/evaluate/lpipsNetwork.ts";
import type { LpipsTensors } from "../support/lpipsWeights.ts";

interface Features {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly at: (c: number, y: number, x: number) => number;
}

function features(channels: number, height: number, width: number, value: Features["at"]): Features {
  const data = new Float64Array(channels * height * width);
  let i = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[i++] = value(c, y, x);
  const at = (c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : data[(c * height + y) * width + x]!;
  return { channels, height, width, at };
}

export function lpipsTwin(
  weights: LpipsTensors,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { height, width }: { height: number; width: number },
): number {
  let [fa, fb] = [a, b].map((image) =>
    features(3, height, width, (c, y, x) => (image[(c * height + y) * width + x]! - inputShift[c]!) / inputScale[c]!),
  ) as [Features, Features];
  let total = 0;
  for (const [index, { name, kernel, stride, pad, in: input, out, pooled }] of trunk.entries()) {
    const [weight, bias] = [weights.get(`${name}.weight`)!.data, weights.get(`${name}.bias`)!.data];
    const layer = (given: Features): Features => {
      let from = given;
      if (pooled)
        from = features(given.channels, (given.height - 1) >> 1, (given.width - 1) >> 1, (c, y, x) => {
          let largest = -Infinity;
          for (let i = 0; i < 9; i++)
            largest = Math.max(largest, given.at(c, 2 * y + Math.floor(i / 3), 2 * x + (i % 3)));
          return largest;
        });
      const side = (length: number) => Math.floor((length + 2 * pad - kernel) / stride) + 1;
      return features(out, side(from.height), side(from.width), (co, y, x) => {
        let sum = bias[co]!;
        for (let ci = 0; ci < input; ci++)
          for (let ky = 0; ky < kernel; ky++)
            for (let kx = 0; kx < kernel; kx++)
              sum +=
                weight[((co * input + ci) * kernel + ky) * kernel + kx]! *
                from.at(ci, y * stride + ky - pad, x * stride + kx - pad);
        return Math.max(0, sum);
      });
    };
    [fa, fb] = [layer(fa), layer(fb)];
    const head = weights.get(headName(index))!.data;
    const norm = (f: Features, y: number, x: number) => {
      let squares = 0;
      for (let c = 0; c < out; c++) squares += f.at(c, y, x) ** 2;
      return Math.sqrt(squares) + 1e-10;
    };
    let sum = 0;
    for (let y = 0; y < fa.height; y++)
      for (let x = 0; x < fa.width; x++) {
        const [na, nb] = [norm(fa, y, x), norm(fb, y, x)];
        for (let c = 0; c < out; c++) sum += head[c]! * (fa.at(c, y, x) / na - fb.at(c, y, x) / nb) ** 2;
      }
    total += sum / (fa.height * fa.width);
  }
  return total;
}
