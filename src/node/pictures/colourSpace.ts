/**
 * Pictures from the colour space of their file to sRGB, which networks were trained on, and what a network fills back
 * again. Sources: IEC 61966-2-1 (sRGB), ICC.1:2010 annex F.3 (curves and primaries).
 */
import { createPicture, type Picture } from "../../pictures/image.ts";
import { invert, type Matrix, multiply, primariesForD50, srgbChromaticities } from "./primaries.ts";

/** RGB by curves and primaries. */
export interface ColourSpace {
  /** Of red, green and blue: what share of the light a share of the full number stands for. */
  readonly curves: readonly ((value: number) => number)[];
  /** Columns, for white D50. */
  readonly primaries: Matrix;
  /** To sRGB, 8 bits; colours that sRGB has not become the nearest in each channel. */
  readonly toSrgb: (picture: Picture) => Picture;
  readonly fromSrgb: (picture: Picture) => Picture;
}

/** As precise as needed for 8 bits: where sRGB's curve is steepest an entry is a twentieth of a level. */
const entries = 65_536;

export const srgbCurve = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
export const inverseSrgbCurve = (light: number): number =>
  light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
export const srgbPrimaries = primariesForD50(srgbChromaticities)!;

/**
 * @param curves of red, green and blue
 * @param primaries columns, for white D50
 * @returns nothing where they are no colour space that pictures can be brought out of and back into
 */
export function colourSpace(
  curves: readonly ((value: number) => number)[],
  primaries: Matrix,
): ColourSpace | undefined {
  const fromXyz = invert(primaries);
  const tables = curves.map(levelsOf);
  if (!fromXyz || tables.length !== 3 || !tables.every(isUsable)) return undefined;
  const srgbLevels = levelsOf(srgbCurve);
  const srgb = [srgbLevels, srgbLevels, srgbLevels];
  const forward = multiply(invert(srgbPrimaries)!, primaries);
  const backward = multiply(fromXyz, srgbPrimaries);
  return {
    curves,
    primaries,
    toSrgb: (picture) => convert(picture, tables, forward, srgb.map(inverseOf)),
    fromSrgb: (picture) => convert(picture, srgb, backward, tables.map(inverseOf)),
  };
}

/** True where no colour moves by more than a level: then there is nothing to convert. */
export function isSrgb({ toSrgb }: ColourSpace): boolean {
  const steps = 9;
  const picture = createPicture(steps ** 3, 1);
  for (let i = 0; i < steps ** 3; i++)
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = (Math.floor(i / steps ** c) % steps) * (255 / (steps - 1));
  return toSrgb(picture).data.every((value, i) => Math.abs(value - picture.data[i]!) <= 1);
}

/** The light of the 256 levels. */
const levelsOf = (curve: (value: number) => number): Float64Array =>
  Float64Array.from({ length: 256 }, (_, level) => Math.min(Math.max(curve(level / 255), 0), 1));

/** Curves rise, or nothing leads back. */
function isUsable(levels: Float64Array): boolean {
  return (
    levels.every((value, i) => Number.isFinite(value) && (i === 0 || value >= levels[i - 1]!)) &&
    levels[255]! > levels[0]!
  );
}

/** By light in `entries` steps: the nearest level. */
function inverseOf(levels: Float64Array): Uint8Array {
  const inverse = new Uint8Array(entries);
  for (let i = 0, level = 0; i < entries; i++) {
    const light = i / (entries - 1);
    while (level < 255 && levels[level + 1]! - light <= light - levels[level]!) level++;
    inverse[i] = level;
  }
  return inverse;
}

function convert(picture: Picture, from: readonly Float64Array[], matrix: Matrix, to: readonly Uint8Array[]): Picture {
  const out = createPicture(picture.width, picture.height);
  const [[a, b, c], [d, e, f], [g, h, i]] = matrix;
  const [red, green, blue] = from as [Float64Array, Float64Array, Float64Array];
  const [toRed, toGreen, toBlue] = to as [Uint8Array, Uint8Array, Uint8Array];
  const place = (light: number): number =>
    light <= 0 ? 0 : light >= 1 ? entries - 1 : Math.round(light * (entries - 1));
  for (let at = 0; at < out.data.length; at += 4) {
    const r = red[picture.data[at]!]!;
    const s = green[picture.data[at + 1]!]!;
    const t = blue[picture.data[at + 2]!]!;
    out.data[at] = toRed[place(a * r + b * s + c * t)]!;
    out.data[at + 1] = toGreen[place(d * r + e * s + f * t)]!;
    out.data[at + 2] = toBlue[place(g * r + h * s + i * t)]!;
    out.data[at + 3] = picture.data[at + 3]!;
  }
  return out;
}
