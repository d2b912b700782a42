/**
 * Which kernels can run a convolution on an adapter, and which one does where nobody has measured: a table of defaults
 * (bench/NOTES.md holds their numbers). A tuner times the candidates and passes its answers as `ConvolutionChoices`.
 * Neither looks at the batch, so that an image is the same alone and in a batch.
 */
import type { AdapterKind } from "../engine/device.ts";
import type { DType } from "../engine/tensor.ts";
import type { ConvolutionShape } from "./convolution.ts";
import type { BlockedVariant } from "./convolutionBlocked.ts";

/** One convolution of a network, whatever the batch. Channel counts are padded to multiples of 4. */
export interface ConvolutionLayer extends ConvolutionShape {
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly channels0: number;
  /** Of the second input of a concatenation; 0: there is none. */
  readonly channels1: number;
  readonly outChannels: number;
  readonly pad: number;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly activations: DType;
  readonly weights: DType;
}

/** What of an adapter decides which kernels can run on it. */
export interface AdapterTraits {
  readonly kind: AdapterKind;
  /** Whether kernels may use subgroup operations. */
  readonly subgroups: boolean;
}

/** A way to run a convolution: data, told apart by `id`. What dispatches it makes: `addConvolution.ts`. */
export type ConvolutionChoice =
  | { readonly id: string; readonly method: "blocked"; readonly variant: BlockedTile }
  | { readonly id: string; readonly method: "tiled" };

type BlockedTile = Pick<BlockedVariant, "tileWidth" | "tileHeight" | "tileChannels" | "share" | "workgroupSize">;

/** Answers of a tuner: `convolutionKey` of a layer → `id` of a candidate. */
export type ConvolutionChoices = ReadonlyMap<string, string>;

/** Names everything that the time of a layer depends on, but for the batch. */
export function convolutionKey(layer: ConvolutionLayer): string {
  const { kernel, stride, height, width, channels0, channels1, outChannels } = layer;
  const fused = [
    ...(layer.bias ? ["bias"] : []),
    ...(layer.residual ? ["residual"] : []),
    ...(layer.activation === "none" ? [] : [layer.activation]),
  ];
  const input = channels1 > 0 ? `${channels0}+${channels1}` : `${channels0}`;
  return [
    `${kernel}x${kernel}`,
    ...(stride === 1 ? [] : [`stride ${stride} pad ${layer.pad}`]),
    `${height}x${width}`,
    `${input}>${outChannels}`,
    `${layer.activations}/${layer.weights}`,
    ...fused,
  ].join(" ");
}

/** Every way in which an adapter can run a layer; the default is one of them. */
export function convolutionCandidates(layer: ConvolutionLayer, traits: AdapterTraits): ConvolutionChoice[] {
  const size = traits.kind === "cpu" ? 4 : 64;
  const tiles = isRows(layer)
    ? [blocked(1, 1, 2), blocked(1, 1, 1), blocked(4, 1, 2)]
    : [blocked(8, 2, 2), blocked(8, 2, 1), blocked(4, 2, 2), blocked(4, 2, 1), blocked(4, 1, 2)];
  const shared = sharesQuads(traits)
    ? isRows(layer)
      ? [quad(1, 1, 1), quad(4, 1, 1)]
      : [quad(8, 2, 1), quad(4, 2, 1), quad(4, 1, 1), quad(4, 2, 2)]
    : [];
  return [...[...tiles, ...shared].map((tile) => tile(size)), ...(isRows(layer) ? [] : [tiled])];
}

/** The tuner's choice where it has one that can run, else the table's. */
export function chooseConvolution(
  layer: ConvolutionLayer,
  traits: AdapterTraits,
  choices?: ConvolutionChoices,
): ConvolutionChoice {
  const id = choices?.get(convolutionKey(layer));
  const chosen = id === undefined ? undefined : convolutionCandidates(layer, traits).find((one) => one.id === id);
  return chosen ?? defaultChoice(layer, traits);
}

function defaultChoice(layer: ConvolutionLayer, traits: AdapterTraits): ConvolutionChoice {
  const { kind } = traits;
  if (kind === "gpu" && !isRows(layer)) return tiled;
  const workgroupSize = kind === "cpu" ? 4 : 64;
  const channels = fitting(layer.outChannels / 4, [2, 1]);
  // A quad shares 16 channels: fewer would idle.
  if (sharesQuads(traits) && !isRows(layer) && layer.outChannels > 8) return quad(4, 2, 1)(workgroupSize);
  if (isRows(layer)) return blocked(1, 1, channels)(workgroupSize);
  return blocked(layer.stride === 2 ? 4 : fitting(layer.outWidth, [8, 4]), 2, channels)(workgroupSize);
}

/** On software adapters a quad is four neighbouring threads; what a GPU makes of a workgroup, WGSL leaves open. */
const sharesQuads = ({ kind, subgroups }: AdapterTraits) => kind === "cpu" && subgroups;

/** Rows of a linear layer are few: a tile of 64 pixels would be nearly empty. */
const isRows = (layer: ConvolutionLayer) => layer.outHeight === 1;

/** The largest of the sizes that divides `length` without waste, else the smallest. */
function fitting(length: number, sizes: readonly number[]): number {
  return sizes.find((size) => length % size === 0) ?? sizes.at(-1)!;
}

const tiled: ConvolutionChoice = { id: "tiled", method: "tiled" };

const blocked =
  (tileWidth: number, tileHeight: number, tileChannels: number) =>
  (workgroupSize: number): ConvolutionChoice => ({
    id: `blocked ${tileWidth}x${tileHeight}x${4 * tileChannels}/${workgroupSize}`,
    method: "blocked",
    variant: { tileWidth, tileHeight, tileChannels, share: "none", workgroupSize },
  });

const quad =
  (tileWidth: number, tileHeight: number, tileChannels: number) =>
  (workgroupSize: number): ConvolutionChoice => ({
    id: `quad ${tileWidth}x${tileHeight}x${16 * tileChannels}/${workgroupSize}`,
    method: "blocked",
    variant: { tileWidth, tileHeight, tileChannels, share: "quad", workgroupSize },
  });
