/**
 * Which variants of `attention` can run a layer on an adapter, and which one does: a tuner's answer, else the first
 * rule of the table that the layer meets. Neither looks at the batch, so that an image is the same alone and in a
 * batch.
 */
import type { AdapterFamily } from "../../engine/adapter.ts";
import type { QuadShare } from "../../shaders/lib/quad.ts";
import { decide, type Decision } from "../decision.ts";
import { sharesQuads, type Traits } from "../traits.ts";
import { type AttentionLayer, type AttentionChoice, attentionKey } from "./layer.ts";

interface AttentionRule {
  /** The id of an `AttentionChoice`. */
  readonly id: string;
  /** The layer's heads have at most so many channels. */
  readonly width?: number;
}

/**
 * On processors a quad holds as many queries as fit beside their output; wider heads load queries again for each block
 * of keys. The only GPU that was measured is an H200.
 */
const gpus: readonly AttentionRule[] = [{ width: 64, id: "tiled 32x16" }, { id: "4x4 8/64" }];
export const attentionTable: Readonly<Record<AdapterFamily, readonly AttentionRule[]>> = {
  cpu: [
    { width: 32, id: "quad 8x4 held/4" },
    { width: 64, id: "quad 4x4 held/4" },
    { id: "quad 4x4 16/4" },
    { id: "4x4 8/4" },
  ],
  nvidia: gpus,
  amd: gpus,
  intel: gpus,
  apple: gpus,
  mobile: gpus,
  other: gpus,
};

/** All that can run a layer on an adapter; the default is one of them. */
export function attentionCandidates({ headChannels }: AttentionLayer, traits: Traits): AttentionChoice[] {
  const vectors = headChannels / 4;
  const workgroupSize = traits.kind === "cpu" ? 4 : 64;
  /** `most`: vec4s of the output that a thread owns at most. Undefined: it owns a whole head, and holds the queries. */
  const choice = (share: QuadShare, queries: number, keys: number, most?: number): AttentionChoice => ({
    method: "blocked",
    id: `${share === "quad" ? "quad " : ""}${queries}x${keys} ${most ?? "held"}/${workgroupSize}`,
    variant: {
      queries,
      keys,
      share,
      workgroupSize,
      held: most === undefined ? vectors : 0,
      // Equal chunks, so that none is nearly empty.
      chunkVectors: most === undefined ? vectors : Math.ceil(vectors / Math.ceil(vectors / most)),
    },
  });
  if (!sharesQuads(traits))
    return [
      choice("none", 4, 4, 8),
      choice("none", 2, 4, 8),
      choice("none", 4, 2, 8),
      ...(traits.tiledAttentions?.(vectors) ?? []),
    ];
  return [
    choice("none", 4, 4, 8),
    choice("quad", 4, 4, 16),
    choice("quad", 4, 8, 8),
    ...(vectors <= 16 ? [choice("quad", 4, 4)] : []),
    ...(vectors <= 8 ? [choice("quad", 8, 4), choice("quad", 4, 8)] : []),
  ];
}

/** The tuner's answer where it can run here, else what the table says. */
export function chooseAttention(
  layer: AttentionLayer,
  traits: Traits,
  choices?: ReadonlyMap<string, string>,
): AttentionChoice {
  return decideAttention(layer, traits, choices).choice;
}

/** The same with its reason. */
export function decideAttention(
  layer: AttentionLayer,
  traits: Traits,
  choices?: ReadonlyMap<string, string>,
): Decision<AttentionChoice> {
  return decide(
    attentionCandidates(layer, traits),
    choices?.get(attentionKey(layer)),
    attentionTable[traits.family].filter(({ width = Infinity }) => layer.headChannels <= width),
  );
}
