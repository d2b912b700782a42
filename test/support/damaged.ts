/** Counts how damaged files end: opened, or refused in a line. Anything else is a fault, and names its case. */
import { RePaintError } from "../../src/errors.ts";

export interface Tally {
  opened: number;
  refused: number;
  slowestMs: number;
}

/**
 * @param open tries case `i`, of `first` … `first + count - 1`
 * @param mostCharacters of a refusal's line
 * @throws Error that names the case
 */
export async function tallyDamaged(
  first: number,
  count: number,
  mostCharacters: number,
  open: (i: number) => Promise<unknown>,
): Promise<Tally> {
  const tally: Tally = { opened: 0, refused: 0, slowestMs: 0 };
  const line = new RegExp(`^[^\\n]{10,${mostCharacters}}$`);
  for (let i = first; i < first + count; i++) {
    const start = performance.now();
    try {
      await open(i);
      tally.opened++;
    } catch (error) {
      if (!(error instanceof RePaintError)) throw new Error(`case ${i} ended in ${String(error)}`, { cause: error });
      if (!line.test(error.message)) throw new Error(`case ${i}: ${error.message}`, { cause: error });
      tally.refused++;
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - start);
  }
  return tally;
}
