/**
 * Pictures of 16 bits in linear light, as renderers and scanners write them: 8 bits of such a curve would be bands
 * wherever it is dark, in the result and in what a network sees. They are kept by sRGB's curve, for which 8 bits are
 * enough, and by their own primaries, so that no colour is lost.
 */
import { type Colours, profileChunk } from "./colours.ts";
import { colourSpace, inverseSrgbCurve, isSrgb, srgbCurve } from "./colourSpace.ts";
import { colourProfile, srgbCurveTag } from "./icc.ts";

/** How many levels of sRGB two neighbours of 8 bits may be apart. */
const coarsest = 2;

interface InSrgbCurve {
  /** Of red, green and blue: by a sample of 16 bits the level that shows the same. */
  readonly levels: readonly Uint8Array[];
  /** What these levels are. */
  readonly colours: Colours;
}

/** @returns nothing where 8 bits by the colours' own curve are fine enough */
export function inSrgbCurve({ name, space }: Colours): InSrgbCurve | undefined {
  if (!space?.curves.some(isCoarse)) return undefined;
  const { curves, primaries } = space;
  const tables = new Map([...new Set(curves)].map((curve) => [curve, levelsOf(curve)]));
  const stored = colourSpace([srgbCurve, srgbCurve, srgbCurve], primaries)!;
  const isPlain = isSrgb(stored);
  const chunk = isPlain
    ? { type: "sRGB", data: Uint8Array.of(0) }
    : profileChunk(name, colourProfile(name, srgbCurveTag(), primaries));
  return {
    levels: curves.map((curve) => tables.get(curve)!),
    colours: { name, chunks: [chunk], space: isPlain ? undefined : stored, isUnderstood: true },
  };
}

const shown = (curve: (value: number) => number, share: number): number =>
  255 * inverseSrgbCurve(Math.min(Math.max(curve(share), 0), 1));

function isCoarse(curve: (value: number) => number): boolean {
  return Array.from({ length: 255 }, (_, i) => i).some(
    (level) => shown(curve, (level + 1) / 255) - shown(curve, level / 255) > coarsest,
  );
}

const levelsOf = (curve: (value: number) => number): Uint8Array =>
  Uint8Array.from({ length: 65_536 }, (_, sample) => Math.round(shown(curve, sample / 65_535)));
