/**
 * WebP to pixels by libwebp; of an animation the first frame, as a page's canvas takes it.
 * Source: RFC 9649 (container), RFC 6386 section 9.1 (size in a lossy frame).
 */
import { createPicture, type Picture } from "../../pictures/image.ts";
import { checkPixels } from "./limits.ts";
import { openDecoder } from "./wasm.ts";

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

interface DecodedWebp extends Picture {
  readonly profile: Uint8Array | undefined;
  readonly exif: Uint8Array | undefined;
}

/** @throws Error with the reason; InputError for a size that is none or too large */
export function decodeWebp(bytes: Uint8Array, name: string): DecodedWebp {
  const chunks = readChunks(bytes.subarray(12, 8 + uint(bytes, 4, 4)));
  const find = (type: string): Uint8Array | undefined => chunks.find((chunk) => chunk.type === type)?.data;
  const animated = find("ANMF");
  const canvas = find("VP8X");
  const picture =
    animated && canvas
      ? firstFrame(canvas, animated, name)
      : decodeFrame(
          chunks.filter(({ type }) => frameChunks.includes(type)),
          name,
        );
  return {
    width: picture.width,
    height: picture.height,
    data: picture.data,
    profile: find("ICCP"),
    exif: find("EXIF"),
  };
}

const frameChunks: readonly string[] = ["ALPH", "VP8 ", "VP8L"];

/** Chunks one behind the other, each padded to an even length. */
function readChunks(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = uint(bytes, at + 4, 4);
    if (length > bytes.length - at - 8) throw new Error("it ends inside a chunk: the file is incomplete");
    chunks.push({
      type: Buffer.from(bytes.subarray(at, at + 4)).toString("latin1"),
      data: bytes.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length + (length & 1);
  }
  return chunks;
}

/** The canvas with the frame at its place, transparent elsewhere. */
function firstFrame(canvas: Uint8Array, frame: Uint8Array, name: string): Picture {
  if (canvas.length < 10 || frame.length < 16) throw new Error("its header is too short");
  const [width, height] = [uint(canvas, 4, 3) + 1, uint(canvas, 7, 3) + 1];
  checkPixels({ width, height, name, bytesPerPixel: 12 });
  const inside = decodeFrame(
    readChunks(frame.subarray(16)).filter(({ type }) => frameChunks.includes(type)),
    name,
  );
  const [left, top] = [2 * uint(frame, 0, 3), 2 * uint(frame, 3, 3)];
  if (left + inside.width > width || top + inside.height > height) throw new Error("a frame leaves the picture");
  const out = createPicture(width, height);
  for (let y = 0; y < inside.height; y++)
    out.data.set(
      inside.data.subarray(4 * y * inside.width, 4 * (y + 1) * inside.width),
      4 * ((top + y) * width + left),
    );
  return out;
}

/** A file of nothing but the frame, so that libwebp meets no other chunks. */
function decodeFrame(chunks: readonly Chunk[], name: string): Picture {
  const image = chunks.find(({ type }) => type !== "ALPH");
  if (!image) throw new Error("it has no picture data");
  const { width, height } = frameSize(image);
  checkPixels({ width, height, name, bytesPerPixel: 12 });
  const alpha = image.type === "VP8 " ? chunks.find(({ type }) => type === "ALPH") : undefined;
  const { call, put, view, allocate } = openDecoder("@cwasm/webp/webp.wasm");
  const file = wrap(alpha ? [{ type: "VP8X", data: extendedHeader(width, height) }, alpha, image] : [image]);
  const address = put(file);
  const size = allocate(8);
  const pixels = call("WebPDecodeRGBA", address, file.length, size, size + 4);
  if (pixels === 0) throw new Error("its data are damaged");
  const found = view(size, 8);
  if (uint(found, 0, 4) !== width || uint(found, 4, 4) !== height) throw new Error("its header contradicts itself");
  return { width, height, data: new Uint8ClampedArray(view(pixels, 4 * width * height)) };
}

function frameSize({ type, data }: Chunk): { width: number; height: number } {
  if (data.length < (type === "VP8L" ? 5 : 10)) throw new Error("its frame is too short");
  if (type === "VP8L") {
    const bits = uint(data, 1, 4);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return { width: uint(data, 6, 2) & 0x3fff, height: uint(data, 8, 2) & 0x3fff };
}

/** VP8X: of its flags alpha alone. */
const extendedHeader = (width: number, height: number): Uint8Array =>
  Uint8Array.of(0x10, 0, 0, 0, ...littleEndian(width - 1, 3), ...littleEndian(height - 1, 3));

function wrap(chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.flatMap(({ type, data }) => [
    Buffer.from(type, "latin1"),
    littleEndian(data.length, 4),
    data,
    new Uint8Array(data.length & 1),
  ]);
  const body = Buffer.concat([Buffer.from("WEBP"), ...parts]);
  return new Uint8Array(Buffer.concat([Buffer.from("RIFF"), littleEndian(body.length, 4), body]));
}

const littleEndian = (value: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);

function uint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
