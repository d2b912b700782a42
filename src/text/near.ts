/** Which known names a mistyped one may have meant. Not here: the error that says so. */

/** Up to three, the nearest first; none if nothing is near. */
export function nearNames(name: string, known: readonly string[]): string[] {
  const short = name.slice(0, 64);
  const distance = (other: string) => (short.length > 2 && other.includes(short) ? 1 : editDistance(short, other));
  return known
    .map((other) => ({ other, distance: distance(other) }))
    .filter(({ other, distance }) => distance <= Math.max(2, other.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ other }) => other);
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
