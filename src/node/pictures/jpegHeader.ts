/**
 * What has to be known of a JPEG before it is decoded: its size, its kind, whether it is all there, and what it says of
 * its colours and its camera. Not here: decoding (jpeg.ts), what is in an EXIF block (exif.ts).
 *
 * As tolerant between segments as libjpeg, browsers and PIL are: bytes that begin no marker are passed over.
 * Sources: ITU-T T.81 B.1 (markers), EXIF 2.3 section 4.7.2, ICC.1:2010 B.4 (profiles in JPEG).
 */

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** How often the picture data are gone through: 1, or the scans of a progressive or non-interleaved file. */
  readonly scans: number;
  readonly progressive: boolean;
  /** An EXIF block, from its TIFF header on. */
  readonly exif: Uint8Array | undefined;
  /** The ICC profile, whole. */
  readonly profile: Uint8Array | undefined;
}

/** @throws Error with the reason where the bytes are not a whole JPEG of a kind that is read. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let frame: Pick<JpegHeader, "width" | "height" | "components" | "progressive"> | undefined;
  let exif: Uint8Array | undefined;
  const profileParts = new Map<number, Uint8Array>();
  let profileCount = 0;
  for (let at = nextMarker(bytes, 2); at >= 0;) {
    const marker = bytes[at + 1]!;
    const segment = segmentAt(bytes, at);
    if (isFrame(marker)) frame ??= readFrame(marker, segment);
    if (marker === 0xe1 && hasPrefix(segment, "Exif\0\0")) exif ??= segment.subarray(6);
    if (marker === 0xe2 && hasPrefix(segment, "ICC_PROFILE\0") && segment.length > 14) {
      profileParts.set(segment[12]!, segment.subarray(14));
      profileCount = segment[13]!;
    }
    if (marker !== 0xda) {
      at = nextMarker(bytes, at + 4 + segment.length);
      continue;
    }
    if (!frame) throw new Error("it has no frame header");
    const scans = countScans(bytes, at);
    // A decoder fills what is missing with gray, so the end marker is what tells a whole file.
    if (scans === 0) throw new Error("it ends before its end marker: the file is incomplete");
    return { ...frame, scans, exif, profile: joinProfile(profileParts, profileCount) };
  }
  throw new Error("it ends before its picture data");
}

/** Where the next marker stands that has a segment, or -1. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 4 <= bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    const code = bytes[at + 1]!;
    if (code === 0xd9) return -1;
    const isAlone = code <= 0x01 || code === 0xff || (code >= 0xd0 && code <= 0xd8);
    if (!isAlone) return at;
  }
  return -1;
}

function segmentAt(bytes: Uint8Array, at: number): Uint8Array {
  const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
  if (length < 2 || at + 2 + length > bytes.length) throw new Error("it ends inside its header");
  return bytes.subarray(at + 4, at + 2 + length);
}

/** Start-of-frame markers: C0 to CF without the tables C4, C8 and CC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(marker: number, segment: Uint8Array) {
  if (segment.length < 6) throw new Error("its frame header is too short");
  const [bits, components] = [segment[0]!, segment[5]!];
  if (marker === 0xc3) throw new Error("it is a lossless JPEG, which few programs read");
  if (marker > 0xc8) throw new Error("it is a JPEG with arithmetic coding, which browsers do not read either");
  if (marker > 0xc3) throw new Error("it is a hierarchical JPEG, which no common program reads");
  if (bits !== 8) throw new Error(`it has ${bits} bits a sample, only 8 are supported`);
  const height = (segment[1]! << 8) | segment[2]!;
  const width = (segment[3]! << 8) | segment[4]!;
  return { width, height, components, progressive: marker === 0xc2 };
}

/** Start-of-scan markers up to the end marker; 0 where that is missing. In entropy-coded data FF is always escaped. */
function countScans(bytes: Uint8Array, from: number): number {
  let scans = 0;
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xda) scans++;
    if (bytes[at + 1] === 0xd9) return scans;
  }
  return 0;
}

/** @returns nothing where a part is missing: colours as they are without a profile are better than no picture. */
function joinProfile(parts: ReadonlyMap<number, Uint8Array>, count: number): Uint8Array | undefined {
  if (count === 0) return undefined;
  const ordered = Array.from({ length: count }, (_, i) => parts.get(i + 1));
  return ordered.every((part) => part !== undefined) ? new Uint8Array(Buffer.concat(ordered)) : undefined;
}

function hasPrefix(bytes: Uint8Array, prefix: string): boolean {
  return Buffer.from(bytes.subarray(0, prefix.length)).toString("latin1") === prefix;
}
