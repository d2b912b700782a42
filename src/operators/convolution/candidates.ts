/**
 * Which kernels can run a convolution on an adapter, and which one does: a tuner, which times the candidates, passes its
 * answers as `ConvolutionChoices`; where nobody has measured, table.ts says it. Neither looks at the batch, so
 * that an image is the same alone and in a batch.
 */
import { convolutionTable, type ConvolutionRule } from "./table.ts";
import { tiledBytes, tiledThreads } from "../../shaders/convolutionTiled.ts";
import { quadThreads } from "../../shaders/lib/quad.ts";
import { type Traits, sharesQuads } from "../traits.ts";
import {
  type ConvolutionLayer,
  type ConvolutionChoice,
  type ThreadTile,
  type ConvolutionChoices,
  convolutionKey,
  isRows,
} from "./layer.ts";
import { allowsWinograd } from "./winogradSizes.ts";

/** Every way in which an adapter can run a layer; the default is one of them. */
export function convolutionCandidates(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
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
  traits: Traits,
  choices?: ConvolutionChoices,
): ConvolutionChoice {
  const id = choices?.get(convolutionKey(layer));
  const chosen = id === undefined ? undefined : convolutionCandidates(layer, traits).find((one) => one.id === id);
  return chosen ?? defaultChoice(layer, traits);
}

function defaultChoice(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice {
  const candidates = convolutionCandidates(layer, traits);
  for (const rule of [...(traits.matrix?.table ?? []), ...convolutionTable[traits.family]]) {
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
const fitting = (tiles: readonly ThreadTile[], { workgroupBytes }: Traits) =>
  tiles.filter((tile) => tiledBytes(tile) <= workgroupBytes);

/** In one piece, reading through the norm, and in parts. */
function tiledWays(variant: ThreadTile, layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
  const name = `tiled ${tileName(variant)}`;
  const choice = (more: string, parts: number, through = false): ConvolutionChoice => ({
    id: `${name}${more}`,
    method: "tiled",
    variant,
    parts,
    through,
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
function matrixChoices(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
  const { matrix, workgroupBytes } = traits;
  if (!matrix || layer.activations !== "f16" || layer.weights !== "f16") return [];
  return matrix.ways
    .filter(({ bytes }) => bytes <= workgroupBytes)
    .flatMap((way) =>
      [1, ...splits(layer, traits)].map((parts): ConvolutionChoice => ({
        id: parts === 1 ? way.name : `${way.name} in ${parts}`,
        method: "matrix",
        way,
        parts,
      })),
    );
}

/** Split-K, where an image has few tiles and each part still has 32 channels to sum over. */
const splits = ({ outHeight, outWidth, channels0, channels1 }: ConvolutionLayer, { kind }: Traits) =>
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
function winograds(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
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
        id: `winograd${tile} ${tileName(tiled)}`,
        method: "winograd",
        variant: { tile, stripBytes, tiled },
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
