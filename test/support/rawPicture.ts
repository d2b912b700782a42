/**
 * Pictures as bytes that programs and pages hand each other: width and height as little-endian uint32, then RGBA. How
 * far two are apart is measured as they are seen, with colours multiplied by alpha, since a page's canvas keeps no
 * more. For tests only; no Node here.
 */

export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export function writeRaw({ width, height, data }: RawPicture): Uint8Array {
  const out = new Uint8Array(8 + data.length);
  new Uint32Array(out.buffer, 0, 2).set([width, height]);
  out.set(data, 8);
  return out;
}

export function readRaw(bytes: Uint8Array): RawPicture {
  const [width, height] = new Uint32Array(bytes.slice(0, 8).buffer) as unknown as [number, number];
  return { width, height, data: bytes.subarray(8) };
}

/** The largest difference in levels; infinite where the sizes are not the same. */
export function apart(a: RawPicture, b: RawPicture): number {
  if (a.width !== b.width || a.height !== b.height || a.data.length !== b.data.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    const [alphaA, alphaB] = [a.data[i + 3]!, b.data[i + 3]!];
    worst = Math.max(worst, Math.abs(alphaA - alphaB));
    for (let c = i; c < i + 3; c++) worst = Math.max(worst, Math.abs(a.data[c]! * alphaA - b.data[c]! * alphaB) / 255);
  }
  return worst;
}
