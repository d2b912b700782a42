/**
 * What has to be known of a JPEG before it is decoded: its size, whether it is all there, its colour space and the
 * orientation in its EXIF data. Not here: decoding (pictures.ts, by jpeg-js).
 * Sources: ITU-T T.81 B.1 (markers), EXIF 2.3 section 4.6 (TIFF structure, tag 0x0112).
 */

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** Three components that are red, green and blue rather than luminance and two differences. */
  readonly rgb: boolean;
  /** EXIF orientation 1 to 8; 1 where there is none. */
  readonly orientation: number;
}

/** @throws Error with the reason where the bytes are not a whole JPEG. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let frame: { width: number; height: number; ids: string } | undefined;
  let adobeTransform: number | undefined;
  let jfif = false;
  let orientation = 1;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) throw new Error(`a marker was expected at byte ${at}`);
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    const length = view.getUint16(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (length < 2 || at + 2 + length > bytes.length) throw new Error("it ends inside its header");
    if (isFrame(marker)) frame ??= readFrame(segment);
    if (marker === 0xe0) jfif ||= hasPrefix(segment, "JFIF");
    if (marker === 0xe1 && hasPrefix(segment, "Exif\0\0")) orientation = readOrientation(segment.subarray(6));
    if (marker === 0xee && hasPrefix(segment, "Adobe")) adobeTransform = segment[11];
    at += 2 + length;
    if (marker !== 0xda) continue;
    if (!frame) throw new Error("it has no frame header");
    // A decoder fills what is missing with gray, so the end marker is what tells a whole file.
    if (!hasEnd(bytes, at)) throw new Error("it ends before its end marker: the file is incomplete");
    const { width, height, ids } = frame;
    const rgb = ids.length === 3 && (adobeTransform === undefined ? !jfif && ids === "RGB" : adobeTransform === 0);
    return { width, height, rgb, orientation };
  }
  throw new Error("it ends before its picture data");
}

/** Start-of-frame markers: C0 to CF without the tables C4, C8 and CC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(segment: Uint8Array): { width: number; height: number; ids: string } {
  if (segment.length < 6) throw new Error("its frame header is too short");
  const view = new DataView(segment.buffer, segment.byteOffset, segment.length);
  if (view.getUint8(0) !== 8) throw new Error(`it has ${view.getUint8(0)} bits a sample, only 8 are supported`);
  let ids = "";
  for (let at = 6; at + 3 <= segment.length; at += 3) ids += String.fromCharCode(segment[at]!);
  return { width: view.getUint16(3), height: view.getUint16(1), ids };
}

function hasEnd(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.length - 2; at >= from; at--) if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
  return false;
}

/** Orientation of the first directory; 1 for anything odd, as a picture is worth more than its damaged EXIF data. */
function readOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  if (tiff.length < 8) return 1;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

function hasPrefix(bytes: Uint8Array, prefix: string): boolean {
  return Buffer.from(bytes.subarray(0, prefix.length)).toString("latin1") === prefix;
}
