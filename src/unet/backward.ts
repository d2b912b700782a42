/**
 * The gradient of a planned network's output with respect to its input: walks the operations from the end and puts
 * their gradients behind them in the same plan. Lifetimes do the rest: of the forward's activations only the inputs of
 * norms and attention's qkv and output live until they are needed (SiLU and the norm itself are made again from them),
 * convolutions need none. A tensor that several operations read gets the sum of their gradients: each adds to what is
 * there as it writes.
 *
 * Gradients are f32. Not here: gradients of weights.
 */
import type { Tensor } from "../engine/tensor.ts";
import { attentionGradientKeyValue } from "../shaders/attentionGradientKeyValue.ts";
import { attentionGradientQuery } from "../shaders/attentionGradientQuery.ts";
import { attentionStatistics } from "../shaders/attentionStatistics.ts";
import { firstTokenGradient } from "../shaders/firstTokenGradient.ts";
import { groupNormChunks } from "../shaders/groupNormPartials.ts";
import { groupNormGradientAffine } from "../shaders/groupNormGradientAffine.ts";
import { groupNormGradientApply } from "../shaders/groupNormGradientApply.ts";
import { groupNormGradientPartials } from "../shaders/groupNormGradientPartials.ts";
import { chunkLanes } from "../shaders/lib/channelChunks.ts";
import { insertZeros } from "../shaders/insertZeros.ts";
import { meanPool } from "../shaders/meanPool.ts";
import { poolTokensGradient } from "../shaders/poolTokensGradient.ts";
import { reluGradient } from "../shaders/reluGradient.ts";
import { spatialMeanGradient } from "../shaders/spatialMeanGradient.ts";
import { upsampleNearest } from "../shaders/upsampleNearest.ts";
import type { Layers } from "./layers.ts";
import type { Operation } from "./operations.ts";

type Of<K extends Operation["kind"]> = Extract<Operation, { kind: K }>;

/** Plans the gradient to `x` into the tensor `into`, from that of `y`, which is `dy`. */
export function planGradient(
  layers: Layers,
  { y, dy, x, into }: { y: Tensor; dy: Tensor; x: Tensor; into: Tensor },
): void {
  const backward = new Backward(layers, { x, into });
  backward.gradients.set(y, [dy]);
  // The gradients' own convolutions are written down behind these.
  for (const operation of layers.operations.slice().reverse()) backward.step(operation);
}

class Backward {
  /** Of each tensor: one gradient, or two side by side along the channels. */
  readonly gradients = new Map<Tensor, readonly Tensor[]>();
  readonly #layers: Layers;
  readonly #end: { readonly x: Tensor; readonly into: Tensor };

  constructor(layers: Layers, end: { x: Tensor; into: Tensor }) {
    this.#layers = layers;
    this.#end = end;
  }

  step(operation: Operation): void {
    const dy = this.gradients.get(operation.y);
    // What nothing came back to has no part in the output.
    if (!dy) return;
    switch (operation.kind) {
      case "convolution":
        return this.#convolution(operation, dy);
      case "norm":
        return this.#norm(operation, dy[0]!);
      case "attention":
        return this.#attention(operation, dy[0]!);
      case "resample":
        return this.#resample(operation, dy[0]!);
      case "mean":
        return this.#mean(operation, dy[0]!);
      default:
        return this.#head(operation, dy[0]!);
    }
  }

  /** The gradient that is there already, for operations that add to it. */
  #before(x: Tensor): Tensor | undefined {
    return this.gradients.get(x)?.[0];
  }

  /** For operations that cannot add: they are the last to read their tensor. */
  #first(x: Tensor, gradient: readonly Tensor[], name: string): void {
    if (this.gradients.has(x)) throw new Error(`${name}: ${x.name} has a gradient already`);
    this.gradients.set(x, gradient);
  }

  #temporary(name: string, shape: readonly number[]): Tensor {
    return this.#layers.builder.temporary(`${name}.gradient`, "f32", shape);
  }

  #convolution(operation: Of<"convolution">, dy: readonly Tensor[]): void {
    const { name, x, channels, kernel, stride, residual } = operation;
    let { height, width } = operation;
    const { builder, batch } = this.#layers;
    // y = convolution + residual: both get the whole of dy.
    if (residual) this.#first(residual, dy, name);
    let parts = dy.map((tensor) => ({ tensor, channels: tensor.shape.at(-1)! }));
    if (stride === 2) {
      const [{ tensor, channels: outChannels }] = parts as [{ tensor: Tensor; channels: number }];
      const spread = this.#temporary(`${name}.spread`, [batch, height, width, outChannels]);
      builder.dispatch(insertZeros, {
        tensors: { x: tensor, y: spread },
        parameters: { batch, height, width, channels: outChannels },
        variant: {},
        label: `${name}.spread`,
      });
      parts = [{ tensor: spread, channels: outChannels }];
    }
    const into = x === this.#end.x ? { into: this.#end.into } : {};
    const before = this.#before(x);
    const dx = this.#layers.convolution(
      `${name}.gradient`,
      { parts, height, width },
      {
        kernel,
        channels,
        ...into,
        ...(before ? { residual: { parts: [{ tensor: before, channels }], height, width } } : {}),
      },
    );
    this.gradients.set(x, [dx.parts[0]!.tensor]);
  }

  #norm({ name, x, pixels, channels, groups, partials, affine, activation, block }: Of<"norm">, dy: Tensor): void {
    const { builder, batch } = this.#layers;
    const { chunks, chunkPixels } = groupNormChunks(pixels);
    const sums = this.#temporary(`${name}.sums`, partials.shape);
    builder.dispatch(groupNormGradientPartials, {
      tensors: { x, dy, affine, partials, sums },
      parameters: { batch, pixels, channels, chunks, chunkPixels },
      variant: { activation, lanes: chunkLanes[this.#layers.kind] },
      label: `${name}.gradient.partials`,
    });
    const coefficients = this.#temporary(`${name}.coefficients`, [batch, 3, channels]);
    const embedding = block === undefined ? undefined : this.#layers.embedding;
    builder.dispatch(groupNormGradientAffine, {
      tensors: { partials, embedding, sums, coefficients },
      ...this.#layers.momentsOf({ pixels, channels, groups, block }),
      label: `${name}.gradient.affine`,
    });
    const dx = this.#temporary(name, x.shape);
    builder.dispatch(groupNormGradientApply, {
      tensors: { x, dy, affine, coefficients, add: this.#before(x), dx },
      parameters: { batch, pixels, channels },
      variant: { activation },
      label: `${name}.gradient`,
    });
    this.gradients.set(x, [dx]);
  }

  /** dq and dk, dv side by side are qkv's gradient: the projection's convolution reads them as one. */
  #attention({ name, qkv, y, length, heads, headChannels, scale }: Of<"attention">, dy: Tensor): void {
    const { builder, batch } = this.#layers;
    const inner = heads * headChannels;
    const macs = batch * length * length * inner;
    const shared = {
      parameters: { batch, length, heads, headChannels, scale },
      variant: attentionTile(headChannels, this.#layers.kind),
    };
    const statistics = this.#temporary(`${name}.statistics`, [batch, length, heads, 2]);
    builder.dispatch(attentionStatistics, {
      ...shared,
      macs,
      label: `${name}.gradient.statistics`,
      tensors: { qkv, y, dy, statistics },
    });
    const dq = this.#temporary(`${name}.query`, [batch, length, inner]);
    builder.dispatch(attentionGradientQuery, {
      ...shared,
      macs: 3 * macs,
      label: `${name}.gradient.query`,
      tensors: { qkv, dy, statistics, dq },
    });
    const dkv = this.#temporary(`${name}.keyValue`, [batch, length, 2 * inner]);
    builder.dispatch(attentionGradientKeyValue, {
      ...shared,
      macs: 4 * macs,
      label: `${name}.gradient.keyValue`,
      tensors: { qkv, dy, statistics, dkv },
    });
    this.#first(qkv, [dq, dkv], name);
  }

  #resample({ direction, name, x, channels, height, width }: Of<"resample">, dy: Tensor): void {
    const { builder, batch } = this.#layers;
    const label = `${name}.gradient`;
    const dx = this.#temporary(name, x.shape);
    const before = this.#before(x);
    if (direction === "down")
      builder.dispatch(upsampleNearest, {
        tensors: { x: dy, add: before, y: dx },
        parameters: { batch, height: height / 2, width: width / 2, channels, scale: 1 / 4 },
        variant: {},
        label,
      });
    else
      builder.dispatch(meanPool, {
        tensors: { x: dy, y: dx },
        parameters: { batch, height: 2 * height, width: 2 * width, channels, scale: 1 },
        variant: {},
        label,
      });
    if (direction === "up") this.#first(x, [dx], name);
    else this.gradients.set(x, [dx]);
  }

  #mean({ name, x, pixels, channels, stride, offset }: Of<"mean">, dy: Tensor): void {
    const dx = this.#temporary(name, x.shape);
    this.#layers.builder.dispatch(spatialMeanGradient, {
      tensors: { dy, add: this.#before(x), dx },
      parameters: { batch: this.#layers.batch, pixels, channels, stride, offset },
      variant: {},
      label: `${name}.gradient`,
    });
    this.gradients.set(x, [dx]);
  }

  #head(operation: Of<"tokens" | "firstToken" | "relu">, dy: Tensor): void {
    const { kind, name, x, y } = operation;
    const { builder, batch } = this.#layers;
    const label = `${name}.gradient`;
    const dx = this.#temporary(name, x.shape);
    if (kind === "relu") {
      const { vectors } = operation;
      builder.dispatch(reluGradient, { tensors: { y, dy, dx }, parameters: { vectors }, variant: {}, label });
    } else {
      const { pixels, channels } = operation;
      if (kind === "tokens")
        builder.dispatch(poolTokensGradient, {
          tensors: { dy, dx },
          parameters: { batch, pixels, channels },
          variant: {},
          label,
        });
      else
        builder.dispatch(firstTokenGradient, {
          tensors: { dy, dx },
          parameters: { batch, tokens: pixels + 1, channels },
          variant: {},
          label,
        });
    }
    this.#first(x, [dx], name);
  }
}

/** Small tiles: both products and two outputs are held in registers. */
function attentionTile(headChannels: number, kind: "cpu" | "gpu") {
  const vectors = headChannels / 4;
  return {
    queries: 2,
    keys: 2,
    workgroupSize: kind === "cpu" ? 4 : 64,
    chunkVectors: Math.ceil(vectors / Math.ceil(vectors / 8)),
  };
}
