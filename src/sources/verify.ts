/** Bytes checked against their digests. Not here: what a manifest says (integrity.ts), what follows from a mismatch. */
import type { ByteSource } from "../files/bytes.ts";
import { type Hasher, sha256Hex } from "./sha256.ts";

/** True where nothing is expected. */
export async function digestMatches(bytes: Uint8Array, expected: string | undefined): Promise<boolean> {
  return expected === undefined || (await sha256Hex(bytes)) === expected;
}

/** The digests of the whole and of its blocks, read in order. */
export async function verifyWhole(
  source: ByteSource,
  blockBytes: number,
  hash: Hasher,
): Promise<{ sha256: string; digests: string[] }> {
  const digests: string[] = [];
  for (let at = 0; at < source.size; at += blockBytes) {
    const block = await source.read(at, blockBytes);
    hash.update(block);
    digests.push(await sha256Hex(block));
  }
  return { sha256: hash.digest(), digests };
}
