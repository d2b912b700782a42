/**
 * Which kernels can run a convolution on an adapter, and which one does: a tuner's answer, else the first rule of
 * table.ts that the layer meets. Neither looks at the batch, so that an image is the same alone and in a batch.
 */
import { convolutionTable, type ConvolutionRule } from "./table.ts";
import { quadThreads } from "../../shaders/lib/quad.ts";
import { decide, type Decision } from "../decision.ts";
import { type Traits, sharesQuads } from "../traits.ts";
import {
  type ConvolutionLayer,
  type ConvolutionChoice,
  type ConvolutionChoices,
  convolutionKey,
  isRows,
} from "./layer.ts";
import type { TiledConfig } from "./tiled.ts";
import { allowsWinograd } from "./winogradSizes.ts";

/** All that can run a layer on an adapter; the default is one of them. */
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
          ...(traits.tiles?.direct ?? []).flatMap((config) => tiledChoices(config, layer)),
          ...matrixChoices(layer, traits),
        ]),
  ];
}

/** The tuner's answer where it can run here, else what the table says. */
export function chooseConvolution(
  layer: ConvolutionLayer,
  traits: Traits,
  choices?: ConvolutionChoices,
): ConvolutionChoice {
  return decideConvolution(layer, traits, choices).choice;
}

/** The same with its reason. */
export function decideConvolution(
  layer: ConvolutionLayer,
  traits: Traits,
  choices?: ConvolutionChoices,
): Decision<ConvolutionChoice> {
  const rules = [...(traits.matrix?.table ?? []), ...convolutionTable[traits.family]];
  return decide(
    convolutionCandidates(layer, traits),
    choices?.get(convolutionKey(layer)),
    rules.filter((rule) => meets(layer, rule)),
  );
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

/** A tile for the whole sum, for an input that is normed and upsampled as it is read, and for sums in parts. */
function tiledChoices(config: TiledConfig, layer: ConvolutionLayer): ConvolutionChoice[] {
  const choice = (more: string, parts: number, through = false): ConvolutionChoice => ({
    id: `tiled ${config.name}${more}`,
    method: "tiled",
    config,
    parts,
    through,
  });
  // This saves the dispatches that norm and upsample, but every tap and every tile of output channels repeats their
  // work.
  const { norm, upsample } = layer;
  return [
    choice("", 1),
    ...(norm !== undefined || upsample ? [choice(" through", 1, true)] : []),
    ...(config.isSplit ? splits(layer) : []).map((parts) => choice(` in ${parts}`, parts)),
  ];
}

/** On subgroup matrices, where both activations and weights are f16. */
function matrixChoices(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
  const { matrix, workgroupBytes } = traits;
  if (!matrix || layer.activations !== "f16" || layer.weights !== "f16") return [];
  return matrix.configs
    .filter(({ bytes }) => bytes <= workgroupBytes)
    .flatMap((config) =>
      [1, ...splits(layer)].map((parts): ConvolutionChoice => ({
        id: parts === 1 ? config.name : `${config.name} in ${parts}`,
        method: "matrix",
        config,
        parts,
      })),
    );
}

/** Split-K, where an image has few tiles and each part still has 32 channels to sum over. */
const splits = ({ outHeight, outWidth, channels0, channels1 }: ConvolutionLayer) =>
  [2, 4, 8, 16].filter((parts) => outHeight * outWidth <= 1024 && channels0 + channels1 >= 32 * parts);

const blocked =
  (tileWidth: number, tileHeight: number, tileChannels: number) =>
  (workgroupSize: number): ConvolutionChoice => ({
    id: `blocked ${tileWidth}x${tileHeight}x${4 * tileChannels}/${workgroupSize}`,
    method: "blocked",
    variant: { tileWidth, tileHeight, tileChannels, share: "none", workgroupSize },
  });

/**
 * On GPUs products go through workgroup tiles. An H200 took twice as long for products in registers: of GPUs only the
 * mobile ones, whose workgroup memory is no faster than any other, are offered these.
 */
function winograds(layer: ConvolutionLayer, traits: Traits): ConvolutionChoice[] {
  if (isRows(layer)) return [];
  const workgroupSize = traits.kind === "cpu" ? 4 : 64;
  // About as much as stays in the second-level cache.
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
      ...(traits.tiles?.products ?? []).map((tiled): ConvolutionChoice => ({
        id: `winograd${tile} ${tiled.name}`,
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
