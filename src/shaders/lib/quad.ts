/**
 * Sharing within a quad: four neighbouring threads of a workgroup that run in step. Each loads a quarter of what all of
 * them need and gets the rest by quad swaps: thread l's value k is the one that thread l xor k loaded. For adapters
 * whose quads are consecutive threads of a one-dimensional workgroup; WGSL does not promise that, but on software
 * adapters it is so.
 */

export type QuadShare = "none" | "quad";

export const quadThreads = (share: QuadShare): 1 | 4 => (share === "quad" ? 4 : 1);

/** The builtin that brings the value of thread l xor k, by k; none for the own. */
export const quadSwaps = ["", "quadSwapX", "quadSwapY", "quadSwapDiagonal"] as const;
