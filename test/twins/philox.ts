/** Philox 4×32-10 in BigInt and Box–Muller in float64: the definition of all noise. */

/** Ten rounds. Random123's known answers are in the kernel tests. */
export function philox4x32(counter: readonly number[], key: readonly number[]): number[] {
  let c = counter.map(BigInt);
  let k = key.map(BigInt);
  const low = (x: bigint) => x & 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c[0]!;
    const p1 = 0xcd9e8d57n * c[2]!;
    c = [(p1 >> 32n) ^ c[1]! ^ k[0]!, low(p1), (p0 >> 32n) ^ c[3]! ^ k[1]!, low(p0)];
    k = [low(k[0]! + 0x9e3779b9n), low(k[1]! + 0xbb67ae85n)];
  }
  return c.map(Number);
}

/** Four normals of one element of one draw of one stream. */
export function normals(seed: readonly number[], element: number, draw: number, stream: number): number[] {
  const bits = philox4x32([element, draw, stream, 0], seed);
  const unit = (word: number) => ((word >>> 9) + 0.5) * 2 ** -23;
  return [0, 2].flatMap((i) => {
    const radius = Math.sqrt(-2 * Math.log(unit(bits[i]!)));
    const angle = 2 * Math.PI * unit(bits[i + 1]!);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}
