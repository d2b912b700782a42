/**
 * GroupNorm of small images as one dispatch instead of three: loaded on GPUs alone, where a dispatch costs more than
 * what one does here (9 µs on an H200, however small). Not here: larger images (src/unet/layers.ts).
 */
import { groupNorm, type GroupNormVariant } from "../shaders/groupNorm.ts";

/** The threads of a workgroup: what every adapter has. */
const mostThreads = 256;
/** vec4s in the registers of a thread. */
const mostHeld = 16;

const powerOfTwo = (least: number) => 2 ** Math.ceil(Math.log2(least));

/** The kernel for groups of so many vec4s in all pixels of an image; undefined: they are too many for a workgroup. */
export function wholeGroupNorm(
  vectors: number,
): { kernel: typeof groupNorm; variant: Pick<GroupNormVariant, "threads" | "held"> } | undefined {
  if (vectors > mostThreads * mostHeld) return undefined;
  const threads = Math.min(mostThreads, Math.max(32, powerOfTwo(vectors)));
  return { kernel: groupNorm, variant: { threads, held: powerOfTwo(Math.ceil(vectors / threads)) } };
}
