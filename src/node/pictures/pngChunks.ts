/** The chunks that a PNG is made of. Source: PNG specification (third edition), section 5. */
import { crc32 } from "node:zlib";

export const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** A chunk of a file. */
export interface ReadChunk extends PngChunk {
  /** Whether its checksum is right. */
  readonly isSound: () => boolean;
}

/** The chunks in their order, up to the end of the picture; ends before the first that is not all there. */
export function* pngChunks(bytes: Uint8Array): Generator<ReadChunk, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = pngSignature.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (length > bytes.length - at - 12) return;
    const end = at + 8 + length;
    const body = bytes.subarray(at + 4, end);
    const checksum = view.getUint32(end);
    const type = Buffer.from(body.subarray(0, 4)).toString("latin1");
    yield { type, data: body.subarray(4), isSound: () => crc32(body) === checksum };
    // What stands behind the end is not the picture's: cameras, phones and tools put films and padding there.
    if (type === "IEND") return;
    at = end + 4;
  }
}

/** A whole file. */
export function writePng(chunks: readonly PngChunk[]): Uint8Array {
  return new Uint8Array(Buffer.concat([pngSignature, ...chunks.map(writeChunk)]));
}

function writeChunk({ type, data }: PngChunk): Uint8Array {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}
