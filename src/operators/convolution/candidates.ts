/**
 * Which kernels can run a convolution on an adapter, and which one does: a tuner, which times the candidates, passes its
 * answers as `ConvolutionChoices`; where nobody has measured, convolutionTable.ts says it. Neither looks at the batch, so
 * that an image is the same alone and in a batch.
 */
import type { AdapterFamily } from "../../engine/adapter.ts";
import type { AdapterKind, SubgroupMatrix } from "../../engine/device.ts";
import type { DType } from "../../engine/tensor.ts";
import type { ConvolutionShape } from "../../shaders/convolution.ts";
import { convolutionTable, type ConvolutionRule } from "./table.ts";
import { tiledBytes, tiledThreads, type TiledVariant } from "../../shaders/convolutionTiled.ts";
import type { BlockedVariant } from "../../shaders/convolutionBlocked.ts";
import { allowsWinograd } from "./winograd.ts";
import { quadThreads } from "../../shaders/lib/quad.ts";
import type { TileShape } from "../../shaders/lib/tileWalk.ts";
import type { MatrixWay } from "./matrixWays.ts";
import type { WinogradTile } from "../../shaders/lib/winograd.ts";
import type { WinogradMultiplyVariant } from "../../shaders/winogradMultiply.ts";

/** One convolution of a network, whatever the batch. Channel counts are padded to multiples of 4. */
export interface ConvolutionLayer extends ConvolutionShape {
  /** Of the tensors that are read: with `upsample` half of what is convolved. */
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
  /** The input is act(a·x + b) of a norm's affine, with this activation; without it, x as it is. */
  readonly norm?: "none" | "silu" | undefined;
  /** The input, after the norm, is nearest ×2 of what is read. */
  readonly upsample?: boolean | undefined;
  /** So is the residual. */
  readonly upsampleResidual?: boolean | undefined;
  readonly activations: DType;
  readonly weights: DType;
}

/** What of an adapter decides which kernels can run on it, and which do. A `Device` has it. */
export interface AdapterTraits {
  readonly kind: AdapterKind;
  readonly family: AdapterFamily;
  /** Whether kernels may use subgroup operations. */
  readonly subgroups: boolean;
  readonly matrix?: SubgroupMatrix | undefined;
  /** Workgroup memory, bytes. Default: what WebGPU promises. */
  readonly workgroupBytes?: number | undefined;
  /** Loaded on GPUs: processors run other attention. */
  readonly tiledAttention?: typeof import("../../shaders/attentionTiled.ts") | undefined;
  /** Loaded where there is a `matrix`; without it no convolution uses one. */
  readonly matrixWays?: typeof import("./matrixWays.ts") | undefined;
}

/** The traits alone: a device's own properties are getters, which a spread leaves out. */
export function adapterTraits(traits: AdapterTraits): AdapterTraits {
  const { kind, family, subgroups, matrix, workgroupBytes, tiledAttention, matrixWays } = traits;
  return { kind, family, subgroups, matrix, workgroupBytes, tiledAttention, matrixWays };
}

/** The traits with what only some adapters need, and others do not download. */
export async function loadTraits(traits: AdapterTraits): Promise<AdapterTraits> {
  const plain = adapterTraits(traits);
  if (plain.kind === "cpu") return plain;
  return {
    ...plain,
    tiledAttention: await import("../../shaders/attentionTiled.ts"),
    matrixWays: plain.matrix && (await import("./matrixWays.ts")),
  };
}

/** A way to run a convolution: data, told apart by `id`. What dispatches it makes: `addConvolution.ts`. */
export type ConvolutionChoice =
  | { readonly id: string; readonly method: "blocked"; readonly variant: BlockedTile }
  | {
      readonly id: string;
      readonly method: "tiled";
      readonly variant: ThreadTile;
      readonly parts: number;
      readonly through: boolean;
    }
  | { readonly id: string; readonly method: "matrix"; readonly way: MatrixWay; readonly parts: number }
  | { readonly id: string; readonly method: "winograd"; readonly variant: WinogradWay };

/** A tile and how its threads share it. */
export type ThreadTile = TileShape & Pick<TiledVariant, "threadVectors">;
/** How products are computed, and bytes of transformed images and products at a time, about. */
export type WinogradWay = { readonly tile: WinogradTile; readonly stripBytes: number } & (
  | { readonly blocked: Pick<WinogradMultiplyVariant, "tiles" | "tileChannels" | "share" | "workgroupSize"> }
  | { readonly tiled: ThreadTile }
);
type BlockedTile = Pick<BlockedVariant, "tileWidth" | "tileHeight" | "tileChannels" | "share" | "workgroupSize">;

/** Answers of a tuner: `convolutionKey` of a layer → `id` of a candidate. */
export type ConvolutionChoices = ReadonlyMap<string, string>;

/** Names everything that the time of a layer depends on, but for the batch. */
export function convolutionKey(layer: ConvolutionLayer): string {
  const { kernel, stride, height, width, channels0, channels1, outChannels } = layer;
  const fused = [
    ...(layer.bias ? ["bias"] : []),
    ...(layer.residual ? [layer.upsampleResidual ? "residual up" : "residual"] : []),
    ...(layer.activation === "none" ? [] : [layer.activation]),
    ...(layer.norm === undefined ? [] : [`after norm ${layer.norm}`]),
    ...(layer.upsample ? ["up"] : []),
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
  return [
    ...[...tiles, ...shared].map((tile) => tile(size)),
    ...winograds(layer, traits),
    ...(isRows(layer)
      ? []
      : [
          ...fitting(tileShapes, traits).flatMap((tile) => tiledWays(tile, layer, traits)),
          ...matrixChoices(layer, traits),
        ]),
  ];
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
  const candidates = convolutionCandidates(layer, traits);
  for (const rule of [...(traits.matrixWays?.matrixTable ?? []), ...convolutionTable[traits.family]]) {
    const chosen = meets(layer, rule) && candidates.find(({ id }) => id === rule.id);
    if (chosen) return chosen;
  }
  return candidates[0]!;
}

function meets(layer: ConvolutionLayer, rule: ConvolutionRule): boolean {
  const { rows = false, kernel, stride, side = 0, width = 1, channels = 1, weights = Infinity } = rule;
  const { pixels = Infinity, inputs = 0 } = rule;
  const { outHeight, outWidth, outChannels } = layer;
  return (
    rows === isRows(layer) &&
    (kernel ?? layer.kernel) === layer.kernel &&
    (stride ?? layer.stride) === layer.stride &&
    Math.min(outHeight, outWidth) >= side &&
    outHeight * outWidth <= pixels &&
    layer.channels0 + layer.channels1 >= inputs &&
    outWidth % width === 0 &&
    outChannels % channels === 0 &&
    layer.kernel ** 2 * (layer.channels0 + layer.channels1) * outChannels <= weights
  );
}

/** On software adapters a quad is four neighbouring threads; what a GPU makes of a workgroup, WGSL leaves open. */
export const sharesQuads = ({ kind, subgroups }: AdapterTraits) => kind === "cpu" && subgroups;

/** Rows of a linear layer are few: a tile of 64 pixels would be nearly empty. */
const isRows = (layer: ConvolutionLayer) => layer.outHeight === 1;

/** 64 × 64 outputs where an image is small, larger tiles where it is not: each load serves as many products as the tile has sides. */
const tileShapes: readonly ThreadTile[] = [
  { tilePixels: 32, tileVectors: 8, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 32, tileVectors: 16, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 1 },
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 2 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 8, buffers: 1 },
];

const winogradTiles: readonly ThreadTile[] = [
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 2 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 8, buffers: 1 },
];

/** Those that won where an image is so small that its sum goes in parts. */
const isSplit = (tile: ThreadTile) => tileName(tile) === "64x64x16/128" || tileName(tile) === "128x64x16/128 twice";

/** "128x64x16/128": pixels, output channels and input channels of a step, threads; " twice": two buffers. */
const tileName = (tile: ThreadTile): string =>
  `${tile.tilePixels}x${4 * tile.tileVectors}x${4 * tile.stepVectors}/${tiledThreads(tile)}${tile.buffers === 2 ? " twice" : ""}`;

/** Those whose tiles the adapter's workgroup memory holds. */
const fitting = (tiles: readonly ThreadTile[], { workgroupBytes = promisedBytes }: AdapterTraits) =>
  tiles.filter((tile) => tiledBytes(tile) <= workgroupBytes);

/** What WebGPU promises. */
const promisedBytes = 2 ** 14;

/** In one piece, reading through the norm, and in parts. */
function tiledWays(variant: ThreadTile, layer: ConvolutionLayer, traits: AdapterTraits): ConvolutionChoice[] {
  const name = `tiled ${tileName(variant)}`;
  const choice = (more: string, parts: number, through = false): ConvolutionChoice => ({
    ...{ id: `${name}${more}`, method: "tiled", variant, parts, through },
  });
  // Without a dispatch that norms or upsamples: every tap and every tile of output channels do it again.
  const { norm, upsample } = layer;
  return [
    choice("", 1),
    ...(norm !== undefined || upsample ? [choice(" through", 1, true)] : []),
    ...(isSplit(variant) ? splits(layer, traits) : []).map((parts) => choice(` in ${parts}`, parts)),
  ];
}

/** Where all that is multiplied is f16. */
function matrixChoices(layer: ConvolutionLayer, traits: AdapterTraits): ConvolutionChoice[] {
  const { matrix, matrixWays, workgroupBytes = promisedBytes } = traits;
  if (!matrix || !matrixWays || layer.activations !== "f16" || layer.weights !== "f16") return [];
  return matrixWays
    .matrixWays(matrix)
    .filter(({ bytes }) => bytes <= workgroupBytes)
    .flatMap((way) =>
      [1, ...splits(layer, traits)].map((parts): ConvolutionChoice => ({
        ...{ id: parts === 1 ? way.name : `${way.name} in ${parts}`, method: "matrix", way, parts },
      })),
    );
}

/** Split-K, where an image has few tiles and each part still has 32 channels to sum over. */
const splits = ({ outHeight, outWidth, channels0, channels1 }: ConvolutionLayer, { kind }: AdapterTraits) =>
  [2, 4, 8, 16].filter(
    (parts) => kind === "gpu" && outHeight * outWidth <= 1024 && channels0 + channels1 >= 32 * parts,
  );

const blocked =
  (tileWidth: number, tileHeight: number, tileChannels: number) =>
  (workgroupSize: number): ConvolutionChoice => ({
    id: `blocked ${tileWidth}x${tileHeight}x${4 * tileChannels}/${workgroupSize}`,
    method: "blocked",
    variant: { tileWidth, tileHeight, tileChannels, share: "none", workgroupSize },
  });

/**
 * On GPUs products go through tiles, and strips fill more of them. An H200 took twice as long for products in registers: only GPUs
 * whose workgroup memory is no faster than any other are offered those.
 */
function winograds(layer: ConvolutionLayer, traits: AdapterTraits): ConvolutionChoice[] {
  if (isRows(layer)) return [];
  const workgroupSize = traits.kind === "cpu" ? 4 : 64;
  // As much as stays in the second-level cache, or nearly.
  const stripBytes = traits.family === "nvidia" ? 2 ** 25 : 2 ** 23;
  const blocks = sharesQuads(traits)
    ? ([8, 4, 16] as const).map((tiles) => ({ tiles, share: "quad" as const }))
    : traits.kind === "cpu" || traits.family === "mobile"
      ? [{ tiles: 8, share: "none" as const }]
      : [];
  return ([2, 4, 6] as const)
    .filter((tile) => allowsWinograd(layer, tile))
    .flatMap((tile): ConvolutionChoice[] => [
      ...blocks.map(({ tiles, share }): ConvolutionChoice => ({
        id: `winograd${tile} ${share === "quad" ? "quad " : ""}${tiles}x${8 * quadThreads(share)}/${workgroupSize}`,
        method: "winograd",
        variant: { tile, stripBytes, blocked: { tiles, tileChannels: 2, share, workgroupSize } },
      })),
      ...(traits.kind === "gpu" ? fitting(winogradTiles, traits) : []).map((tiled): ConvolutionChoice => ({
        ...{ id: `winograd${tile} ${tileName(tiled)}`, method: "winograd", variant: { tile, stripBytes, tiled } },
      })),
    ]);
}

const quad =
  (tileWidth: number, tileHeight: number, tileChannels: number) =>
  (workgroupSize: number): ConvolutionChoice => ({
    id: `quad ${tileWidth}x${tileHeight}x${16 * tileChannels}/${workgroupSize}`,
    method: "blocked",
    variant: { tileWidth, tileHeight, tileChannels, share: "quad", workgroupSize },
  });
