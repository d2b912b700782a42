/**
 * EXIF: which way up a picture is to be seen, and what is carried into a result. That is what the camera was and did,
 * and when; where is left out unless it is asked for, and so are serial numbers, names, thumbnails and makers' own
 * notes. Only known entries are copied, into a new block: nothing of a stranger's structure survives. Source: EXIF 2.3,
 * sections 4.5 (TIFF structure), 4.6.4 to 4.6.6 (entries).
 */

/** "camera": what and when; "all": with the place; "none". */
export type KeptExif = "camera" | "all" | "none";

const tags = { orientation: 0x0112, exif: 0x8769, gps: 0x8825 } as const;
/** Maker, model, resolution, software is the writer's own, date. */
const cameraTags = new Set([0x010f, 0x0110, 0x011a, 0x011b, 0x0128, 0x0132, 0x8298]);
/** Exposure, aperture, program, sensitivity, version, dates with their offsets, light, focal length, scene, lens. */
const exposureTags = new Set([
  0x829a, 0x829d, 0x8822, 0x8827, 0x8830, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9201, 0x9202, 0x9203,
  0x9204, 0x9205, 0x9207, 0x9208, 0x9209, 0x920a, 0x9290, 0x9291, 0x9292, 0xa217, 0xa401, 0xa402, 0xa403, 0xa404,
  0xa405, 0xa406, 0xa432, 0xa433, 0xa434,
]);
/** Bytes of a value by its type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL. */
const typeSizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8];
/** Longer values than any of the known entries has are none. */
const longestValue = 1024;

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Uint8Array;
}

/**
 * Orientation 1 to 8 of the first directory; 1 for anything odd: a picture is worth more than its damaged EXIF data.
 */
export function exifOrientation(tiff: Uint8Array | undefined): number {
  if (!tiff || tiff.length < 8) return 1;
  const little = isLittle(tiff);
  const entry = readDirectory(tiff, viewOf(tiff).getUint32(4, little), little).find(
    ({ tag }) => tag === tags.orientation,
  );
  const value = entry && entry.value.length >= 2 ? viewOf(entry.value).getUint16(0, little) : 1;
  return value >= 1 && value <= 8 ? value : 1;
}

/** The block to carry on, from its TIFF header on; orientation 1, as the picture has been turned. */
export function carriedExif(tiff: Uint8Array | undefined, kept: KeptExif): Uint8Array | undefined {
  if (!tiff || tiff.length < 8 || kept === "none") return undefined;
  const little = isLittle(tiff);
  const pick = (place: number | undefined, isWanted: (tag: number) => boolean): Entry[] =>
    place === undefined ? [] : readDirectory(tiff, place, little).filter(({ tag }) => isWanted(tag));
  const first = viewOf(tiff).getUint32(4, little);
  const main = pick(first, (tag) => cameraTags.has(tag));
  const exposure = pick(pointer(tiff, first, tags.exif, little), (tag) => exposureTags.has(tag));
  const place = kept === "all" ? pick(pointer(tiff, first, tags.gps, little), (tag) => tag <= 0x1f) : [];
  if (main.length + exposure.length + place.length === 0) return undefined;
  return writeTiff({ main, exposure, place }, little);
}

const isLittle = (tiff: Uint8Array): boolean => tiff[0] === 0x49 && tiff[1] === 0x49;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function pointer(tiff: Uint8Array, directory: number, tag: number, little: boolean): number | undefined {
  const entry = readDirectory(tiff, directory, little).find((candidate) => candidate.tag === tag);
  return entry && entry.value.length === 4 ? viewOf(entry.value).getUint32(0, little) : undefined;
}

/** The entries whose values are all there, the first of each tag. */
function readDirectory(tiff: Uint8Array, start: number, little: boolean): Entry[] {
  const view = viewOf(tiff);
  const entries = new Map<number, Entry>();
  if (start + 2 > tiff.length) return [];
  const count = view.getUint16(start, little);
  for (let i = 0, at = start + 2; i < count && at + 12 <= tiff.length; i++, at += 12) {
    const [tag, type, values] = [
      view.getUint16(at, little),
      view.getUint16(at + 2, little),
      view.getUint32(at + 4, little),
    ];
    const length = (typeSizes[type] ?? 0) * values;
    if (length < 1 || length > longestValue || entries.has(tag)) continue;
    const from = length <= 4 ? at + 8 : view.getUint32(at + 8, little);
    if (from + length <= tiff.length)
      entries.set(tag, { tag, type, count: values, value: tiff.slice(from, from + length) });
  }
  return [...entries.values()];
}

function writeTiff(
  { main, exposure, place }: Readonly<Record<"main" | "exposure" | "place", readonly Entry[]>>,
  little: boolean,
): Uint8Array {
  const number = (size: 2 | 4, value: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    if (size === 2) viewOf(bytes).setUint16(0, value, little);
    else viewOf(bytes).setUint32(0, value, little);
    return bytes;
  };
  const long = (tag: number, value: number): Entry => ({ tag, type: 4, count: 1, value: number(4, value) });
  const upright: Entry = { tag: tags.orientation, type: 3, count: 1, value: number(2, 1) };
  const sized = (entries: readonly Entry[]): number =>
    2 +
    12 * entries.length +
    4 +
    entries.reduce((sum, { value }) => sum + (value.length > 4 ? value.length + (value.length & 1) : 0), 0);
  const pointers = [
    ...(exposure.length > 0 ? [long(tags.exif, 0)] : []),
    ...(place.length > 0 ? [long(tags.gps, 0)] : []),
  ];
  const exposureAt = 8 + sized([...main, upright, ...pointers]);
  const placeAt = exposureAt + (exposure.length > 0 ? sized(exposure) : 0);
  const all = [...main, upright];
  if (exposure.length > 0) all.push(long(tags.exif, exposureAt));
  if (place.length > 0) all.push(long(tags.gps, placeAt));
  const directory = (entries: readonly Entry[], at: number): Uint8Array[] => {
    const sorted = [...entries].sort((a, b) => a.tag - b.tag);
    const parts = [number(2, sorted.length)];
    const values: Uint8Array[] = [];
    let valueAt = at + 2 + 12 * sorted.length + 4;
    for (const { tag, type, count, value } of sorted) {
      parts.push(number(2, tag), number(2, type), number(4, count));
      const padded = new Uint8Array(value.length <= 4 ? 4 : value.length + (value.length & 1));
      padded.set(value);
      parts.push(value.length <= 4 ? padded : number(4, valueAt));
      if (value.length <= 4) continue;
      values.push(padded);
      valueAt += padded.length;
    }
    return [...parts, number(4, 0), ...values];
  };
  const parts = [Buffer.from(little ? "II" : "MM"), number(2, 42), number(4, 8), ...directory(all, 8)];
  if (exposure.length > 0) parts.push(...directory(exposure, exposureAt));
  if (place.length > 0) parts.push(...directory(place, placeAt));
  return new Uint8Array(Buffer.concat(parts));
}
