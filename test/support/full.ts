/**
 * Whether the long tests run too (`npm run test:full`). What is left out otherwise is a part of a kind whose rest runs.
 */
export const full = process.env.REPAINT_TEST_FULL !== undefined;

/** All of a list in `npm run test:full`, and every n-th of it, the first among them, in `npm test`. */
export const everyNth = <T>(n: number, all: readonly T[]): T[] => all.filter((_, index) => full || index % n === 0);
