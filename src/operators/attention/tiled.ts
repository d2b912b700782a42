/**
 * Attention through workgroup tiles: loaded on GPUs alone, since processors are faster without.
 */
import type { AttentionChoice } from "./layer.ts";
import { members, attentionTiled } from "../../shaders/attentionTiled.ts";

/** vec4s of a head: queries and output of wider ones do not stay in registers. */
const mostVectors = 16;

/** The candidates for a layer whose heads have so many vec4s. */
export function tiledAttentions(vectors: number): AttentionChoice[] {
  if (vectors > mostVectors) return [];
  return [32, 16].map((workgroupQueries) => ({
    id: `tiled ${workgroupQueries}x16`,
    method: "tiled",
    kernel: attentionTiled,
    variant: { vectors, keys: 16, workgroupQueries },
    threads: members * workgroupQueries,
  }));
}
