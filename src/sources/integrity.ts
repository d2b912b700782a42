/** What a manifest says of a file's bytes, checked. Not here: bytes checked against it (verify.ts). */
import { InputError } from "../errors.ts";

/**
 * Hashes in hexadecimal. With `pieces` each part is verified as it comes. With `sha256` alone the whole file is read
 * and hashed before it is used, which without a cache means downloading it twice; where both are given, pieces are
 * used.
 */
export interface Integrity {
  readonly sha256?: string | undefined;
  /** In bytes. */
  readonly size?: number | undefined;
  /** Parts of `bytes` bytes, the last one shorter; 8 to 16 MiB are sensible. */
  readonly pieces?: { readonly bytes: number; readonly sha256: readonly string[] } | undefined;
}

const hex = /^[0-9a-f]{64}$/;

/** Hashes in lower case. @throws InputError */
export function checkIntegrity({ sha256, size, pieces }: Integrity): Integrity {
  const lower = (text: string, what: string): string => {
    const value = String(text).toLowerCase();
    if (!hex.test(value)) throw new InputError(`${what}: expected 64 hexadecimal digits, got ${value.slice(0, 80)}`);
    return value;
  };
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
    throw new InputError(`integrity.size: expected a number of bytes, got ${size}`);
  // A piece is held in memory.
  if (pieces && !(Number.isSafeInteger(pieces.bytes) && pieces.bytes >= 1 && pieces.bytes <= 2 ** 26))
    throw new InputError(`integrity.pieces.bytes: expected 1 to ${2 ** 26}, got ${pieces.bytes}`);
  return {
    size,
    sha256: sha256 === undefined ? undefined : lower(sha256, "integrity.sha256"),
    pieces: pieces && {
      bytes: pieces.bytes,
      sha256: pieces.sha256.map((piece, i) => lower(piece, `integrity.pieces.sha256[${i}]`)),
    },
  };
}
