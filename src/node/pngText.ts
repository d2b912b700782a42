/**
 * Text in PNG files, which pngjs neither writes nor reads: tEXt, zTXt and iTXt chunks with a keyword and a text.
 * Not here: pixels (pictures.ts). Source: PNG specification (third edition), sections 5 and 11.3.3.
 */
import { crc32, inflateSync } from "node:zlib";
import { InputError } from "../errors.ts";

export const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** A compressed text of more bytes is not ours, and may be meant to fill the memory. */
const longestText = 1 << 20;

export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The chunks in their order; ends at the first that is not all there. Checksums are not compared. */
export function* pngChunks(bytes: Uint8Array): Generator<PngChunk, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = pngSignature.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (length > bytes.length - at - 12) return;
    yield { type: latin1(bytes.subarray(at + 4, at + 8)), data: bytes.subarray(at + 8, at + 8 + length) };
    at += length + 12;
  }
}

/** The PNG with the texts behind its header. @throws InputError for keywords and texts that PNG does not allow. */
export function insertPngText(png: Uint8Array, text: Readonly<Record<string, string>>): Uint8Array {
  const headerEnd = pngSignature.length + 25;
  const chunks = Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
  return new Uint8Array(Buffer.concat([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]));
}

function textChunk(keyword: string, text: string): Uint8Array {
  if (!/^(?! )(?!.* {2})[ -~\u00a1-\u00ff]{1,79}(?<! )$/.test(keyword))
    throw new InputError(
      `PNG text keyword ${JSON.stringify(keyword)}: 1 to 79 Latin-1 characters are needed, no spaces at its ends or in a row`,
    );
  if (text.includes("\0")) throw new InputError(`PNG text ${keyword}: a text must not contain a NUL character`);
  const isLatin1 = /^[\n -~\u00a0-\u00ff]*$/.test(text);
  const key = Buffer.from(`${keyword}\0`, "latin1");
  if (isLatin1) return chunk("tEXt", Buffer.concat([key, Buffer.from(text, "latin1")]));
  // Not compressed, method 0, no language, no translated keyword.
  return chunk("iTXt", Buffer.concat([key, Buffer.from([0, 0, 0, 0]), Buffer.from(text, "utf8")]));
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/**
 * The texts of a PNG by keyword; the first of a keyword counts. Damaged chunks, and compressed texts of over 1 MiB, are
 * left out. @throws InputError if the bytes are no PNG.
 */
export function readPngText(bytes: Uint8Array): Record<string, string> {
  if (!pngSignature.every((byte, i) => bytes[i] === byte))
    throw new InputError("expected a PNG: these bytes do not begin with its signature");
  // Keywords come from a stranger: "__proto__" must be a key like any other.
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { type, data } of pngChunks(bytes)) {
    if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") continue;
    const end = data.indexOf(0);
    if (end < 1) continue;
    const text = readText(type, data.subarray(end + 1));
    const keyword = latin1(data.subarray(0, end));
    if (text !== undefined && !(keyword in texts)) texts[keyword] = text;
  }
  return texts;
}

function readText(type: "tEXt" | "zTXt" | "iTXt", data: Uint8Array): string | undefined {
  if (type === "tEXt") return latin1(data);
  if (type === "zTXt") return optionalText(inflated(data.subarray(1)), "latin1");
  const language = data.indexOf(0, 2);
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
  if (translated < 0) return undefined;
  const body = data.subarray(translated + 1);
  return optionalText(data[0] === 1 ? inflated(body) : body, "utf8");
}

function optionalText(bytes: Uint8Array | undefined, encoding: "latin1" | "utf8"): string | undefined {
  return bytes && Buffer.from(bytes).toString(encoding);
}

function inflated(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: longestText });
  } catch {
    return undefined;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
