/**
 * What a file says of its colours, carried into the result so that known pixels keep both their numbers and their look,
 * and understood as far as is needed to show a network sRGB.
 *
 * Carried, not converted to sRGB: half of what phones photograph in Display P3 is sharper in 8 bits than a conversion
 * leaves it, and what lies outside sRGB would be cut off. (A page has no choice: its canvas is sRGB.) Sources: PNG
 * specification (third edition), sections 11.3.2 (chunks) and 13.13; ITU-T H.273 (code points of cICP).
 */
import { deflateSync, inflateSync } from "node:zlib";
import type { Picture } from "../../pictures/image.ts";
import { type ColourSpace, colourSpace, isSrgb, srgbCurve, srgbPrimaries } from "./colourSpace.ts";
import { colourProfile, readIccProfile } from "./icc.ts";
import type { PngChunk } from "./pngChunks.ts";
import { type Chromaticities, primariesForD50, srgbChromaticities } from "./primaries.ts";

export interface Colours {
  /** For people: "Display P3". */
  readonly name: string;
  /** What says so in a PNG. */
  readonly chunks: readonly PngChunk[];
  /** Nothing where the colours are sRGB's, or said in a way that is not calculated with. */
  readonly space: ColourSpace | undefined;
  /** False where the chunks say something that is carried on unread: a network then sees the numbers as they are. */
  readonly isUnderstood: boolean;
}

/** No profile that screens or cameras have is as large; a compressed one may be meant to fill the memory. */
const largestProfile = 16 << 20;

/** What a PNG says: of several ways the first that the specification prefers. */
export function coloursOfPng(chunks: readonly PngChunk[], isGray: boolean): Colours | undefined {
  const find = (type: string): PngChunk | undefined => chunks.find((chunk) => chunk.type === type);
  const codes = find("cICP");
  if (codes && codes.data.length === 4 && codes.data[2] === 0)
    return coloursOfCodes(codes.data[0]!, codes.data[1]!, codes);
  const profile = find("iCCP");
  const colours = profile && readProfileChunk(profile, isGray);
  if (colours) return colours;
  const srgb = find("sRGB");
  if (srgb?.data.length === 1) return { name: "sRGB", chunks: [srgb], space: undefined, isUnderstood: true };
  return coloursOfGamma(find("gAMA"), find("cHRM"));
}

/** What an ICC profile says, as JPEG, WebP and AVIF carry it. `isGray`: of the file's pixels. */
export function coloursOfProfile(bytes: Uint8Array, isGray: boolean): Colours | undefined {
  const profile = readIccProfile(bytes);
  // A profile for inks or for gray says nothing of red, green and blue.
  if (!profile || profile.colours === "other" || (profile.colours === "gray" && !isGray)) return undefined;
  const { name, curves, grayCurve } = profile;
  if (profile.colours === "gray") {
    if (!curves || !grayCurve) return undefined;
    const [curve] = curves as [(value: number) => number];
    const space = colourSpace([curve, curve, curve], srgbPrimaries);
    return space && known(name, [profileChunk(name, colourProfile(name, grayCurve, srgbPrimaries))], space);
  }
  const space = curves && profile.primaries && colourSpace(curves, profile.primaries);
  const chunks = [profileChunk(name, bytes)];
  return space ? known(name, chunks, space) : { name, chunks, space: undefined, isUnderstood: false };
}

/** Code points of H.273 for primaries and transfer, as cICP and AVIF have them. */
export function coloursOfCodes(primaries: number, transfer: number, chunk?: PngChunk): Colours | undefined {
  const chromaticities = primariesByCode[primaries];
  const curve = transfers[transfer];
  const chunks = [chunk ?? { type: "cICP", data: Uint8Array.of(primaries, transfer, 0, 1) }];
  const name = `${chromaticities?.name ?? `primaries ${primaries}`}${curve ? "" : `, transfer ${transfer}`}`;
  const matrix = chromaticities && primariesForD50(chromaticities);
  const space = matrix && curve && colourSpace([curve, curve, curve], matrix);
  return space ? known(name, chunks, space) : { name, chunks, space: undefined, isUnderstood: false };
}

/** A gamma, and the primaries beside it. Primaries alone say too little, and browsers pass over them. */
function coloursOfGamma(gama: PngChunk | undefined, chrm: PngChunk | undefined): Colours | undefined {
  if (gama?.data.length !== 4) return undefined;
  const gamma = uint32(gama, 0) / 100_000;
  if (!(gamma > 0.01 && gamma < 100)) return undefined;
  const chromaticities = chrm?.data.length === 32 ? readChromaticities(chrm) : undefined;
  const primaries = chromaticities && primariesForD50(chromaticities);
  // 1/2.2 alone is how writers of sRGB say it, and what browsers take for it.
  const curve = gamma === 0.45455 && !chromaticities ? srgbCurve : (value: number): number => value ** (1 / gamma);
  const space = colourSpace([curve, curve, curve], primaries ?? srgbPrimaries);
  return space && known(`gamma ${gamma}`, primaries ? [gama, chrm!] : [gama], space);
}

function known(name: string, chunks: readonly PngChunk[], space: ColourSpace): Colours {
  return { name, chunks, space: isSrgb(space) ? undefined : space, isUnderstood: true };
}

function readProfileChunk({ data }: PngChunk, isGray: boolean): Colours | undefined {
  const end = data.indexOf(0);
  if (end < 1 || end > 79 || data[end + 1] !== 0) return undefined;
  try {
    const profile = inflateSync(data.subarray(end + 2), { maxOutputLength: largestProfile });
    return coloursOfProfile(new Uint8Array(profile), isGray);
  } catch {
    return undefined;
  }
}

export const profileChunk = (name: string, profile: Uint8Array): PngChunk => ({
  type: "iCCP",
  data: Buffer.concat([Buffer.from(`${name}\0\0`, "latin1"), deflateSync(profile)]),
});

const uint32 = ({ data }: PngChunk, at: number): number =>
  new DataView(data.buffer, data.byteOffset, data.length).getUint32(at);

function readChromaticities(chrm: PngChunk): Chromaticities {
  const at = (index: number): [number, number] => [uint32(chrm, 8 * index) / 1e5, uint32(chrm, 8 * index + 4) / 1e5];
  return { white: at(0), red: at(1), green: at(2), blue: at(3) };
}

const d65 = srgbChromaticities.white;
const primariesByCode: Readonly<Record<number, Chromaticities & { readonly name: string }>> = {
  1: { name: "sRGB", white: d65, red: [0.64, 0.33], green: [0.3, 0.6], blue: [0.15, 0.06] },
  9: { name: "BT.2020", white: d65, red: [0.708, 0.292], green: [0.17, 0.797], blue: [0.131, 0.046] },
  12: { name: "Display P3", white: d65, red: [0.68, 0.32], green: [0.265, 0.69], blue: [0.15, 0.06] },
};

/** BT.709's curve is a camera's; what shows it, browsers too, takes it for sRGB's. */
const asSrgb = srgbCurve;
const transfers: Readonly<Record<number, (value: number) => number>> = {
  1: asSrgb,
  4: (value) => value ** 2.2,
  5: (value) => value ** 2.8,
  6: asSrgb,
  8: (value) => value,
  13: asSrgb,
  14: asSrgb,
  15: asSrgb,
};

/** The picture as a network is to see it. */
export function toSrgb(picture: Picture, colours: Colours | undefined): Picture {
  return colours?.space?.toSrgb(picture) ?? picture;
}

/**
 * A filled picture in the colours of the original's file: what was known is the original's to the bit, what was filled
 * is brought out of sRGB.
 * @param keep 1 where the original was known
 */
export function fromSrgb(
  filled: Picture,
  original: {
    readonly picture: Picture;
    readonly keep: { readonly data: Float32Array };
    readonly colours: Colours | undefined;
  },
): Picture {
  const { picture, keep, colours } = original;
  if (!colours?.space) return filled;
  const converted = colours.space.fromSrgb(filled);
  for (let i = 0; i < keep.data.length; i++)
    if (keep.data[i]! >= 0.5) converted.data.set(picture.data.subarray(4 * i, 4 * i + 4), 4 * i);
  return converted;
}
