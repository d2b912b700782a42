/**
 * Whether what was filled means what the known part says, on portraits of which it is known what is in them: the two
 * eyes' colours, symmetry, and the background, whose colour these portraits change from top to bottom only. Colours are
 * 0 … 255, differences root mean squares over them; the true picture's own values are not 0, since pixels cut the
 * shapes and light falls from one side. Not here: the portraits.
 */
import { median } from "../engine/timing.ts";
import type { Mask, Picture } from "../pictures/image.ts";
import type { Colour, Point, Portrait, PortraitSheet } from "./portraits.ts";
import { mean } from "./statistics.ts";

/** Distance of the two irises' colours, of which `half` fills one. */
export function eyeDifference(picture: Picture, portrait: Portrait): number {
  const [left, right] = irisColours(picture, portrait);
  return Math.sqrt(mean(left.map((value, c) => (value - right[c]!) ** 2)));
}

/** What both irises look like, by name; the definition is eye_colours in weights/train/portraits.py. */
export function eyeNames(
  picture: Picture,
  portrait: Portrait,
  irises: PortraitSheet["irises"],
): readonly [string, string] {
  const names = Object.entries(irises);
  const nearest = (colour: Colour): string => {
    const distances = names.map(([, named]) => colourDistance(named, colour));
    return names[distances.indexOf(Math.min(...distances))]![0];
  };
  const [left, right] = irisColours(picture, portrait);
  return [nearest(left), nearest(right)];
}

/** By tint, and a little by brightness, which shadows change. */
function colourDistance(a: Colour, b: Colour): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  return Math.hypot(...a.map((value, c) => (value - meanA - (b[c]! - meanB)) / 90)) + 0.003 * Math.abs(meanA - meanB);
}

function irisColours(picture: Picture, { eyes, irisRadius }: Portrait): [Colour, Colour] {
  return [irisColour(picture, eyes[0], irisRadius), irisColour(picture, eyes[1], irisRadius)];
}

/** The median of the pixels between pupil and rim. */
function irisColour({ width, height, data }: Picture, [x, y]: Point, radius: number): Colour {
  const values: [number[], number[], number[]] = [[], [], []];
  for (let v = 0; v < height; v++)
    for (let u = 0; u < width; u++) {
      const distance = Math.hypot(u + 0.5 - x, v + 0.5 - y) / radius;
      if (distance > 0.35 && distance < 0.9)
        for (const c of [0, 1, 2] as const) values[c].push(data[4 * (v * width + u) + c]!);
    }
  return [median(values[0]), median(values[1]), median(values[2])];
}

/** A true pixel is background where its colour is no further than this from the picture's edge in its row. */
const backgroundTolerance = 12;

/**
 * How far the background that was filled is from the known one in the same row: the median of the colours' distances.
 * Where the true picture `truth` has its background is where it is looked for; undefined where no row has both a known
 * and a filled piece of it. Something painted over less than half of the background does not count; a background that
 * breaks off at the border of what is known does.
 */
export function backgroundDifference(picture: Picture, truth: Picture, keep: Mask): number | undefined {
  const { width, height, data } = picture;
  const distances: number[] = [];
  for (let y = 0; y < height; y++) {
    const background = backgroundOf(truth, y);
    const isKnown = (x: number): boolean => keep.data[y * width + x]! >= 0.5;
    const known = background.filter(isKnown);
    if (known.length === 0) continue;
    const colourOf = (x: number): Colour => [0, 1, 2].map((c) => data[4 * (y * width + x) + c]!) as unknown as Colour;
    const colours = known.map(colourOf);
    const usual = ([0, 1, 2] as const).map((c) => median(colours.map((colour) => colour[c])));
    for (const x of background.filter((one) => !isKnown(one)))
      distances.push(Math.sqrt(mean(colourOf(x).map((value, c) => (value - usual[c]!) ** 2))));
  }
  return distances.length === 0 ? undefined : median(distances);
}

/** The pixels of a row that look like the edge on their side. */
function backgroundOf({ width, data }: Picture, y: number): number[] {
  const at = (x: number, c: number): number => data[4 * (y * width + x) + c]!;
  return Array.from({ length: width }, (_, x) => x).filter((x) => {
    const edge = 2 * x < width ? 0 : width - 1;
    return Math.sqrt(mean([0, 1, 2].map((c) => (at(x, c) - at(edge, c)) ** 2))) < backgroundTolerance;
  });
}

/** Root mean square difference of the head's filled pixels to their mirror images, where those are known. */
export function asymmetry(picture: Picture, keep: Mask, { head }: Portrait): number {
  const { width, height, data } = picture;
  const [centreX, centreY, halfWidth, halfHeight] = head;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inHead = ((x + 0.5 - centreX) / halfWidth) ** 2 + ((y + 0.5 - centreY) / halfHeight) ** 2 <= 1;
      if (keep.data[y * width + x]! >= 0.5 || !inHead) continue;
      // Between two pixels in general: linear.
      const mirrored = 2 * centreX - (x + 0.5) - 0.5;
      const left = Math.floor(mirrored);
      if (
        left < 0 ||
        left + 1 >= width ||
        !(keep.data[y * width + left]! >= 0.5 && keep.data[y * width + left + 1]! >= 0.5)
      )
        continue;
      const share = mirrored - left;
      for (let c = 0; c < 3; c++) {
        const at = 4 * (y * width + left) + c;
        const other = data[at]! * (1 - share) + data[at + 4]! * share;
        sum += (data[4 * (y * width + x) + c]! - other) ** 2;
        count++;
      }
    }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}
