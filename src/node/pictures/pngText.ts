/**
 * Text in PNG files: tEXt, zTXt and iTXt chunks with a keyword and a text.
 * Not here: pixels (png.ts). Source: PNG specification (third edition), section 11.3.3.
 */
import { inflateSync } from "node:zlib";
import { InputError } from "../../errors.ts";
import { type PngChunk, pngChunks, pngSignature } from "./pngChunks.ts";

/** A compressed text of more bytes is not ours, and may be meant to fill the memory. */
const longestText = 1 << 20;

/** A chunk for every text. @throws InputError for keywords and texts that PNG does not allow. */
export function textChunks(text: Readonly<Record<string, string>>): PngChunk[] {
  return Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
}

function textChunk(keyword: string, text: string): PngChunk {
  if (!/^(?! )(?!.* {2})[ -~\u00a1-\u00ff]{1,79}(?<! )$/.test(keyword))
    throw new InputError(
      `PNG text keyword ${JSON.stringify(keyword)}: 1 to 79 Latin-1 characters are needed, no spaces at its ends or in a row`,
    );
  if (text.includes("\0")) throw new InputError(`PNG text ${keyword}: a text must not contain a NUL character`);
  const isLatin1 = /^[\n -~\u00a0-\u00ff]*$/.test(text);
  const key = Buffer.from(`${keyword}\0`, "latin1");
  if (isLatin1) return { type: "tEXt", data: Buffer.concat([key, Buffer.from(text, "latin1")]) };
  // Not compressed, method 0, no language, no translated keyword.
  return { type: "iTXt", data: Buffer.concat([key, Buffer.from([0, 0, 0, 0]), Buffer.from(text, "utf8")]) };
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
