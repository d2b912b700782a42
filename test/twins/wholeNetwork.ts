/**
 * A whole guided-diffusion UNet or classifier in naive float64 loops, NCHW, straight from the state dict: the second
 * opinion for flags that no golden file covers. It finds its modules by the names of the tensors, not by our
 * architecture.
 */
import { guidedDiffusionDetails, type Details } from "../../src/checkpoints/architecture.ts";
import { levelChannels, type UNetConfig } from "../../src/checkpoints/config.ts";
import { silu } from "./twin.ts";

export type StateDict = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

/** [channels][height·width] of one image. */
interface Image {
  readonly planes: Float64Array[];
  readonly height: number;
  readonly width: number;
}

export interface NetworkInput {
  /** [channels][pixels] */
  readonly x: Image;
  readonly t: number;
  readonly y?: number | undefined;
  readonly lowRes?: Image | undefined;
}

/** The output; a classifier's is an image of one pixel, whose channels are the logits. */
export function wholeNetwork(
  state: StateDict,
  config: UNetConfig,
  input: NetworkInput,
  details: Details & { readonly middleGroups?: number } = guidedDiffusionDetails(config),
): Image {
  const has = (name: string) => state.has(name);
  const get = (name: string) => {
    const tensor = state.get(name);
    if (!tensor) throw new Error(`the twin misses ${name}`);
    return tensor.data;
  };
  const linear = (name: string, x: readonly number[]) => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    return Array.from(bias, (b, o) => x.reduce((sum, value, i) => sum + value * weight[o * x.length + i]!, b));
  };
  const convolution = (name: string, x: Image, stride = 1, pad = 1): Image => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    const kernel = state.get(`${name}.weight`)!.shape[2] === 3 ? 3 : 1;
    const before = kernel === 3 ? pad : 0;
    const [height, width] = [Math.ceil(x.height / stride), Math.ceil(x.width / stride)];
    const planes = Array.from(bias, (b, o) => {
      const out = new Float64Array(height * width).fill(b);
      for (let oy = 0; oy < height; oy++)
        for (let ox = 0; ox < width; ox++)
          for (const [c, plane] of x.planes.entries())
            for (let ky = 0; ky < kernel; ky++)
              for (let kx = 0; kx < kernel; kx++) {
                const [iy, ix] = [oy * stride + ky - before, ox * stride + kx - before];
                if (iy < 0 || ix < 0 || iy >= x.height || ix >= x.width) continue;
                const at = ((o * x.planes.length + c) * kernel + ky) * kernel + kx;
                out[oy * width + ox]! += plane[iy * x.width + ix]! * weight[at]!;
              }
      return out;
    });
    return { planes, height, width };
  };
  const groupNorm = (name: string, x: Image, groups = details.normGroups): Image => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    const size = x.planes.length / groups;
    const planes: Float64Array[] = [];
    for (let group = 0; group < groups; group++) {
      const members = x.planes.slice(group * size, (group + 1) * size);
      const all = members.flatMap((plane) => [...plane]);
      const mean = all.reduce((a, b) => a + b, 0) / all.length;
      const variance = all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length;
      for (const [i, plane] of members.entries()) {
        const c = group * size + i;
        planes.push(
          plane.map((value) => ((value - mean) / Math.sqrt(variance + details.normEpsilon)) * weight[c]! + bias[c]!),
        );
      }
    }
    return { ...x, planes };
  };
  const map = (x: Image, f: (value: number, c: number) => number): Image => ({
    ...x,
    planes: x.planes.map((plane, c) => plane.map((value) => f(value, c))),
  });
  const add = (a: Image, b: Image) => ({
    ...a,
    planes: a.planes.map((plane, c) => plane.map((v, i) => v + b.planes[c]![i]!)),
  });
  const resize = (
    x: Image,
    height: number,
    width: number,
    value: (plane: Float64Array, oy: number, ox: number) => number,
  ): Image => ({
    height,
    width,
    planes: x.planes.map((plane) =>
      Float64Array.from({ length: height * width }, (_, i) => value(plane, Math.floor(i / width), i % width)),
    ),
  });
  const nearest = (x: Image) =>
    resize(x, 2 * x.height, 2 * x.width, (plane, oy, ox) => plane[(oy >> 1) * x.width + (ox >> 1)]!);
  const pool = (x: Image) =>
    resize(x, x.height >> 1, x.width >> 1, (plane, oy, ox) => {
      const at = 2 * oy * x.width + 2 * ox;
      return (plane[at]! + plane[at + 1]! + plane[at + x.width]! + plane[at + x.width + 1]!) / 4;
    });
  const bilinear = (x: Image, height: number, width: number) =>
    resize(x, height, width, (plane, oy, ox) => {
      const fy = Math.max(((oy + 0.5) * x.height) / height - 0.5, 0);
      const fx = Math.max(((ox + 0.5) * x.width) / width - 0.5, 0);
      const at = (y: number, x_: number) => plane[Math.min(y, x.height - 1) * x.width + Math.min(x_, x.width - 1)]!;
      const [y, x_] = [Math.floor(fy), Math.floor(fx)];
      return (
        (at(y, x_) * (1 - fx + x_) + at(y, x_ + 1) * (fx - x_)) * (1 - fy + y) +
        (at(y + 1, x_) * (1 - fx + x_) + at(y + 1, x_ + 1) * (fx - x_)) * (fy - y)
      );
    });

  const half = config.modelChannels / 2;
  const angles = Array.from(
    { length: half },
    (_, i) => input.t * Math.exp((-Math.log(10000) * i) / (half - details.frequencyShift)),
  );
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  const sinusoid = details.embeddingOrder === "cosSin" ? [...cosines, ...sines] : [...sines, ...cosines];
  let emb = linear("time_embed.2", linear("time_embed.0", sinusoid).map(silu));
  if (input.y !== undefined) emb = emb.map((value, i) => value + get("label_emb.weight")[input.y! * emb.length + i]!);

  const residual = (name: string, x: Image, resample?: (x: Image) => Image): Image => {
    let h = map(groupNorm(`${name}.in_layers.0`, x), silu);
    if (resample) [h, x] = [resample(h), resample(x)];
    h = convolution(`${name}.in_layers.2`, h);
    const e = linear(`${name}.emb_layers.1`, emb.map(silu));
    const channels = h.planes.length;
    if (config.useScaleShiftNorm)
      h = map(groupNorm(`${name}.out_layers.0`, h), (v, c) => v * (1 + e[c]!) + e[channels + c]!);
    else
      h = groupNorm(
        `${name}.out_layers.0`,
        map(h, (v, c) => v + e[c]!),
      );
    h = convolution(`${name}.out_layers.3`, map(h, silu));
    return add(has(`${name}.skip_connection.weight`) ? convolution(`${name}.skip_connection`, x) : x, h);
  };
  const attention = (name: string, x: Image, heads: number, groups?: number): Image => {
    const qkv = convolution(`${name}.qkv`, groupNorm(`${name}.norm`, x, groups));
    return add(x, convolution(`${name}.proj_out`, attend(qkv, heads, config.useNewAttentionOrder)));
  };
  const attend = (x: Image, heads: number, newOrder: boolean): Image => {
    const qkv = x.planes;
    const channels = qkv.length / 3;
    const width = channels / heads;
    const part = (head: number, which: number, c: number) =>
      newOrder ? qkv[which * channels + head * width + c]! : qkv[(head * 3 + which) * width + c]!;
    const pixels = x.height * x.width;
    const planes = Array.from({ length: channels }, () => new Float64Array(pixels));
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < pixels; i++) {
        const scores = Array.from({ length: pixels }, (_, j) => {
          let dot = 0;
          for (let c = 0; c < width; c++) dot += part(head, 0, c)[i]! * part(head, 1, c)[j]!;
          return dot / Math.sqrt(width);
        });
        const maximum = Math.max(...scores);
        const exps = scores.map((score) => Math.exp(score - maximum));
        const total = exps.reduce((a, b) => a + b, 0);
        for (let c = 0; c < width; c++)
          planes[head * width + c]![i] = exps.reduce((sum, e, j) => sum + (e / total) * part(head, 2, c)[j]!, 0);
      }
    return { ...x, planes };
  };
  const heads = (channels: number, side: "input" | "output") => {
    if (config.numHeadChannels !== -1) return channels / config.numHeadChannels;
    return side === "output" && config.numHeadsUpsample !== -1 ? config.numHeadsUpsample : config.numHeads;
  };
  /** The modules of one entry, as far as their names tell; `resample` is what its last or only module does. */
  const entry = (name: string, x: Image, side: "input" | "output", resample?: "up" | "down"): Image => {
    let h = x;
    let resampled = false;
    for (let j = 0; j < 3; j++) {
      const module = `${name}.${j}`;
      const alone = side === "input" ? j === 0 : j > 0;
      if (has(`${module}.in_layers.0.weight`)) {
        const changes = resample !== undefined && alone;
        resampled ||= changes;
        h = residual(module, h, changes ? (resample === "up" ? nearest : pool) : undefined);
      } else if (has(`${module}.qkv.weight`)) h = attention(module, h, heads(h.planes.length, side));
      else if (has(`${module}.op.weight`))
        [h, resampled] = [convolution(`${module}.op`, h, 2, details.downsamplePad), true];
      else if (has(`${module}.conv.weight`)) [h, resampled] = [convolution(`${module}.conv`, nearest(h)), true];
      else if (has(`${module}.weight`)) h = convolution(module, h);
    }
    if (resample && !resampled) h = resample === "up" ? nearest(h) : pool(h);
    return h;
  };

  let h = input.x;
  if (config.superRes) h = { ...h, planes: [...h.planes, ...bilinear(input.lowRes!, h.height, h.width).planes] };
  const skips: Image[] = [];
  const levels = levelChannels(config).length;
  const blocks = config.numResBlocks + 1;
  for (let i = 0; i < 1 + levels * blocks - 1; i++) {
    h = entry(`input_blocks.${i}`, h, "input", i > 0 && i % blocks === 0 ? "down" : undefined);
    skips.push(h);
  }
  /** Each plane's mean, as an image of one pixel. */
  const means = (x: Image) => x.planes.map((plane) => plane.reduce((a, b) => a + b, 0) / plane.length);
  const pixel = (channels: readonly number[]): Image => ({
    planes: channels.map((value) => Float64Array.of(value)),
    height: 1,
    width: 1,
  });
  const classify = (last: Image): Image => {
    const { pool } = config;
    if (pool === "spatial" || pool === "spatial_v2") {
      const hidden = linear("out.0", [...skips, last].flatMap(means));
      if (pool === "spatial")
        return pixel(
          linear(
            "out.2",
            hidden.map((value) => Math.max(value, 0)),
          ),
        );
      const normed = map(groupNorm("out.1", pixel(hidden)), silu);
      return pixel(
        linear(
          "out.3",
          normed.planes.map((plane) => plane[0]!),
        ),
      );
    }
    const active = map(groupNorm("out.0", last), silu);
    if (pool === "adaptive") return convolution("out.3", pixel(means(active)));
    const position = get("out.2.positional_embedding");
    const length = active.height * active.width + 1;
    const mean = means(active);
    const planes = active.planes.map((plane, c) =>
      Float64Array.from({ length }, (_, t) => (t === 0 ? mean[c]! : plane[t - 1]!) + position[c * length + t]!),
    );
    const qkv = convolution("out.2.qkv_proj", { planes, height: 1, width: length });
    const context = attend(qkv, planes.length / config.numHeadChannels, true);
    return convolution("out.2.c_proj", pixel(context.planes.map((plane) => plane[0]!)));
  };
  h = residual("middle_block.0", h);
  if (has("middle_block.1.qkv.weight"))
    h = attention("middle_block.1", h, heads(h.planes.length, "input"), details.middleGroups);
  h = residual("middle_block.2", h);
  if (config.pool !== undefined) return classify(h);
  for (let i = 0; i < levels * blocks; i++) {
    h = { ...h, planes: [...h.planes, ...skips.pop()!.planes] };
    h = entry(
      `output_blocks.${i}`,
      h,
      "output",
      i % blocks === blocks - 1 && i < levels * blocks - 1 ? "up" : undefined,
    );
  }
  return convolution("out.2", map(groupNorm("out.0", h), silu));
}
