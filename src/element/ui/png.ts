/**
 * Pictures as PNG files with every pixel as it is: a canvas multiplies colour by alpha and so changes translucent
 * pixels. Works in short turns, so that the page goes on meanwhile. Not here: reading PNG (the browser does).
 */
import type { Picture } from "../../pictures/image.ts";
import { nextTask } from "./dom.ts";

/** Bytes filtered and packed in one turn: a few milliseconds. */
const turnBytes = 1 << 18;

/** `text` becomes iTXt chunks, as programs show them: keyword to text. */
export async function encodePng(
  { width, height, data }: Picture,
  text: Readonly<Record<string, string>> = {},
): Promise<Blob> {
  const packing = new CompressionStream("deflate");
  const packed = new Response(packing.readable).arrayBuffer();
  const writer = packing.writable.getWriter();
  const stride = 4 * width;
  const rowsATurn = Math.max(1, Math.floor(turnBytes / stride));
  for (let y = 0; y < height; y += rowsATurn) {
    const rows = Math.min(rowsATurn, height - y);
    const out = new Uint8Array(rows * (stride + 1));
    for (let row = 0; row < rows; row++) filterUp(data, (y + row) * stride, stride, out, row * (stride + 1));
    await writer.write(out);
    await nextTask();
  }
  await writer.close();
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6], 8); // 8 bits, RGBA; deflate, adaptive filters, not interlaced
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  // Not compressed, in no language, without a translated keyword.
  const texts = Object.entries(text).map(([keyword, words]) => chunk("iTXt", utf8(`${keyword}\0\0\0\0\0${words}`)));
  const chunks = [chunk("sRGB", Uint8Array.of(0)), ...texts, chunk("IDAT", new Uint8Array(await packed))];
  const all = [signature, chunk("IHDR", header), ...chunks, chunk("IEND", new Uint8Array())];
  return new Blob(all, { type: "image/png" });
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Each byte less the one above it. */
function filterUp(data: Uint8ClampedArray, from: number, stride: number, out: Uint8Array, to: number): void {
  out[to] = 2;
  for (let i = 0; i < stride; i++) out[to + 1 + i] = data[from + i]! - (from === 0 ? 0 : data[from + i - stride]!);
}

function chunk(type: string, body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes.subarray(4, 8 + body.length)));
  return bytes;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255]!;
  return ~crc >>> 0;
}
