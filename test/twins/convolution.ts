/** Both convolution kernels compute this. */
import type { convolutionBlocked } from "../../src/shaders/convolutionBlocked.ts";
import type { convolutionTiled } from "../../src/shaders/convolutionTiled.ts";
import { silu, type TwinOf } from "./twin.ts";

type Call = Pick<Parameters<TwinOf<typeof convolutionBlocked>>[0], "tensors" | "parameters"> & {
  readonly variant: { readonly kernel: 1 | 3; readonly stride: 1 | 2; readonly activation: "none" | "silu" };
};

function convolution({ tensors, parameters: p, variant }: Call) {
  const { x0, x1, weight, bias, residual } = tensors;
  const channels = p.channels0 + p.channels1;
  const y = new Float64Array(p.batch * p.outHeight * p.outWidth * p.outChannels);
  const input = (n: number, iy: number, ix: number, c: number) => {
    if (iy < 0 || ix < 0 || iy >= p.height || ix >= p.width) return 0;
    const pixel = (n * p.height + iy) * p.width + ix;
    return c < p.channels0 ? x0[pixel * p.channels0 + c]! : x1![pixel * p.channels1 + c - p.channels0]!;
  };
  let at = 0;
  for (let n = 0; n < p.batch; n++)
    for (let oy = 0; oy < p.outHeight; oy++)
      for (let ox = 0; ox < p.outWidth; ox++)
        for (let co = 0; co < p.outChannels; co++, at++) {
          let sum = bias ? bias[co]! : 0;
          for (let ky = 0; ky < variant.kernel; ky++)
            for (let kx = 0; kx < variant.kernel; kx++)
              for (let ci = 0; ci < channels; ci++)
                sum +=
                  input(n, oy * variant.stride + ky - p.pad, ox * variant.stride + kx - p.pad, ci) *
                  weight[((ky * variant.kernel + kx) * channels + ci) * p.outChannels + co]!;
          if (residual) sum += residual[at]!;
          y[at] = variant.activation === "silu" ? silu(sum) : sum;
        }
  return { y };
}

export const convolutionBlockedTwin: TwinOf<typeof convolutionBlocked> = convolution;
export const convolutionTiledTwin: TwinOf<typeof convolutionTiled> = convolution;
