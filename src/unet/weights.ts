/**
 * The network's weights as the kernels want them: which packed tensor is made of which checkpoint tensors, and how.
 * Uploading streams: one packed tensor at a time is on the host. Not here: which layers a network has
 * (src/checkpoints/layers.ts), layouts (`packing.ts`), dispatches.
 */
import { padTo4, type DType, type Tensor } from "../engine/tensor.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import { type Layer, layersOf } from "../checkpoints/layers.ts";
import {
  identityMatrix,
  packConvolution,
  packVector,
  paddedHead,
  qkvRows,
  spreadColumns,
  takeRows,
  transpose,
  transposeConvolution,
} from "./packing.ts";

/** Reads one checkpoint tensor as f32, row-major. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

export interface PackedWeight {
  readonly tensor: Tensor;
  readonly pack: (read: ReadTensor) => Promise<Float32Array>;
}

/** Packed weights by the name that `network.ts` asks for. */
export type PackedWeights = ReadonlyMap<string, PackedWeight>;

type LayerOf<K extends Layer["kind"]> = Layer & { readonly kind: K };

/** Where each residual block's projection lies in a row of the embedding: [scale, shift], or what is added. */
export interface EmbeddingLayout {
  /** By the block's name. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Floats of a row. */
  readonly width: number;
  /** Neighbouring blocks whose projections are one matrix. */
  readonly parts: readonly EmbeddingPart[];
}

interface EmbeddingPart {
  /** Of the matrix: "projections.0". */
  readonly name: string;
  readonly layers: readonly LayerOf<"embedding">[];
  /** Where the part begins in a row, and its floats. */
  readonly offset: number;
  readonly width: number;
}

/** All projections of a 256² network in f32 are 208 MiB, and WebGPU promises bindings of 128 MiB. */
const largestPartBytes = 64 * 2 ** 20;

export function embeddingLayout(architecture: Architecture): EmbeddingLayout {
  const offsets = new Map<string, number>();
  const parts: (EmbeddingPart & { layers: LayerOf<"embedding">[]; width: number })[] = [];
  let width = 0;
  for (const layer of layersOf(architecture)) {
    if (layer.kind !== "embedding") continue;
    const [own, embedChannels] = layer.shape as [number, number];
    const last = parts.at(-1);
    // By the size in f32, so that the layout does not depend on the storage.
    if (last && (last.width + own) * embedChannels * 4 <= largestPartBytes) {
      last.layers.push(layer);
      last.width += own;
    } else parts.push({ name: `projections.${parts.length}`, layers: [layer], offset: width, width: own });
    offsets.set(layer.block, width);
    width += own;
  }
  return { offsets, width, parts };
}

/**
 * `type` is the storage of the matrices; vectors, norms and the class table stay f32. With `gradient`, every layer
 * between input and output has a second matrix NAME.gradient.weight, with which the same kernels compute its gradient
 * to the input.
 */
export function declareWeights(
  architecture: Architecture,
  type: DType,
  { gradient = false }: { gradient?: boolean } = {},
): PackedWeights {
  const declared = new Declared(type, gradient);
  for (const part of embeddingLayout(architecture).parts) declared.projections(part);
  for (const layer of layersOf(architecture))
    (declareLayer[layer.kind] as (to: Declared, layer: Layer) => void)(declared, layer);
  return declared.weights;
}

/** How the layers of each kind are packed. */
const declareLayer: { readonly [K in Layer["kind"]]: (to: Declared, layer: LayerOf<K>) => void } = {
  norm(to, { name, shape }) {
    to.vector(`${name}.weight`, shape[0]!);
    to.vector(`${name}.bias`, shape[0]!);
  },
  convolution(to, { name, shape, inputs }) {
    to.linear(name, { kernel: shape[2] === 3 ? 3 : 1, inputs, out: shape[0]! });
  },
  // No gradient goes to the timestep.
  time(to, { name, shape: [out, input] }) {
    to.linear(name, { kernel: 1, inputs: [input!], out: out!, gradient: false });
  },
  // An identity over a concatenation, which exists nowhere as one tensor: copied by a 1×1 convolution.
  identity(to, { name, shape: [out] }) {
    to.add(`${name}.weight`, to.type, [1, out!, out!], async () => identityMatrix(out!));
  },
  // Together, in `projections`: their input is the same, SiLU(emb).
  embedding() {},
  // qkv's row order and the padding of odd head widths are folded away here, so that the kernels know one layout.
  qkv(to, { name, layout }) {
    const { channels, heads } = layout;
    const rows = qkvRows(layout);
    const out = 3 * heads * paddedHead(layout);
    to.matrix(name, { kernel: 1, inputs: [channels], out }, async (read) =>
      takeRows(await read(`${name}.weight`), channels, rows),
    );
    to.add(`${name}.bias`, "f32", [out], async (read) => takeRows(await read(`${name}.bias`), 1, rows));
  },
  projection(to, { name, layout, shape: [out] }) {
    const inputs = [layout.heads * paddedHead(layout)];
    to.matrix(name, { kernel: 1, inputs, out: out! }, async (read) =>
      spreadColumns(await read(`${name}.weight`), layout),
    );
    to.vector(`${name}.bias`, out!);
  },
  classTable(to, { name, shape }) {
    to.add(name, "f32", shape, (read) => read(name));
  },
  position(to, { name, shape: [channels, tokens] }) {
    to.add(name, "f32", [tokens!, channels!], async (read) => transpose(await read(name), tokens!));
  },
};

/** A matrix [out, Σ inputs, k, k]; without `gradient` it has none, whatever the network's weights have. */
interface Matrix {
  readonly kernel: 1 | 3;
  readonly inputs: readonly number[];
  readonly out: number;
  readonly gradient?: boolean;
}

class Declared {
  readonly weights = new Map<string, PackedWeight>();
  /** Storage of matrices. */
  readonly type: DType;
  readonly #gradient: boolean;

  constructor(type: DType, gradient: boolean) {
    this.type = type;
    this.#gradient = gradient;
  }

  add(name: string, dtype: DType, shape: readonly number[], pack: PackedWeight["pack"]): void {
    this.weights.set(name, { tensor: { name, dtype, shape, place: "external" }, pack });
  }

  vector(name: string, length: number): void {
    this.add(name, "f32", [padTo4(length)], async (read) => packVector(await read(name)));
  }

  /** A convolution or linear layer whose tensors are the checkpoint's, packed. */
  linear(name: string, matrix: Matrix): void {
    this.matrix(name, matrix, (read) => read(`${name}.weight`));
    this.vector(`${name}.bias`, matrix.out);
  }

  /** The matrix that `weightOf` reads, packed, and its gradient's. */
  matrix(
    name: string,
    { kernel, inputs, out, gradient = this.#gradient }: Matrix,
    weightOf: (read: ReadTensor) => Promise<Float32Array>,
  ): void {
    const rows = inputs.reduce((sum, size) => sum + padTo4(size), 0);
    this.add(`${name}.weight`, this.type, [kernel * kernel, rows, padTo4(out)], async (read) =>
      packConvolution(await weightOf(read), { kernel, inputs, out }),
    );
    if (!gradient) return;
    const input = inputs.reduce((sum, size) => sum + size, 0);
    this.add(`${name}.gradient.weight`, this.type, [kernel * kernel, padTo4(out), padTo4(input)], async (read) => {
      const transposed = transposeConvolution(await weightOf(read), { kernel, out });
      return packConvolution(transposed, { kernel, inputs: [out], out: input });
    });
  }

  /** The embeddings' layers of several residual blocks as one matrix. */
  projections({ name, layers, width }: EmbeddingPart): void {
    const embedChannels = layers[0]!.shape[1]!;
    const concatenated = async (read: ReadTensor, suffix: "weight" | "bias", size: number) => {
      const all = new Float32Array(size);
      let at = 0;
      for (const layer of layers) {
        const one = await read(`${layer.name}.${suffix}`);
        all.set(one, at);
        at += one.length;
      }
      return all;
    };
    this.add(`${name}.weight`, this.type, [1, embedChannels, width], async (read) => {
      const weight = await concatenated(read, "weight", width * embedChannels);
      return packConvolution(weight, { kernel: 1, inputs: [embedChannels], out: width });
    });
    this.add(`${name}.bias`, "f32", [width], (read) => concatenated(read, "bias", width));
  }
}
