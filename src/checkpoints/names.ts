/**
 * What guided-diffusion calls the layers of its blocks and heads in a state dict. They are spelled here alone;
 * diffusers' names stand in diffusers/names.ts. Not here: which of them a network has, and their shapes (layers.ts);
 * names of blocks (architecture.ts).
 */
import type { Block, Head } from "./architecture.ts";

/** Of each block's layers, by the part they play: what follows the block's name; "" is the block itself. */
export const partNames = {
  conv: { convolution: "" },
  res: {
    norm1: "in_layers.0",
    convolution1: "in_layers.2",
    embedding: "emb_layers.1",
    norm2: "out_layers.0",
    convolution2: "out_layers.3",
    skip: "skip_connection",
  },
  attention: { norm: "norm", qkv: "qkv", projection: "proj_out" },
  downsample: { convolution: "op" },
  upsample: { convolution: "conv" },
} as const satisfies Record<Block["kind"], Readonly<Record<string, string>>>;

export type PartOf<K extends Block["kind"]> = keyof (typeof partNames)[K];

/** The whole name of one of a block's layers. */
export function layerName(block: string, part: string): string {
  return part === "" ? block : `${block}.${part}`;
}

/** The whole names of a block's layers, by part. */
export function layerNames<K extends Block["kind"]>({ kind, name }: { kind: K; name: string }) {
  const named = Object.entries(partNames[kind]).map(([part, own]) => [part, layerName(name, own)]);
  return Object.fromEntries(named) as Record<PartOf<K>, string>;
}

/** The two layers of the timestep's embedding. */
export const timeNames = ["time_embed.0", "time_embed.2"] as const;

/** The tensor with a row for each class. */
export const classTable = "label_emb.weight";

/** Layers of each head; `position` is a tensor. */
export const headNames = {
  image: { norm: "out.0", convolution: "out.2" },
  attention: {
    norm: "out.0",
    pool: "out.2",
    position: "out.2.positional_embedding",
    qkv: "out.2.qkv_proj",
    logits: "out.2.c_proj",
  },
  adaptive: { norm: "out.0", logits: "out.3" },
  spatial: { hidden: "out.0", activation: "out.1", logits: "out.2" },
  spatial_v2: { hidden: "out.0", activation: "out.1", logits: "out.3" },
} as const satisfies Record<Head["kind"], Readonly<Record<string, string>>>;
