/**
 * The six masks of the paper's experiments (RePaint, section 5 and appendix), at any size, as keep masks. What the
 * paper says in pixels it says of 256×256 pictures; here those lengths scale with √(width·height)/256, so that a mask
 * covers the same share of every size. Not here: reading and writing mask pictures.
 */
import { InputError } from "../errors.ts";
import { mostPixels, type Mask } from "./image.ts";
import { uniforms } from "./random.ts";

/** Every pattern, with what it leaves known. */
export const MASK_PATTERNS = {
  wide: "LaMa's wide strokes and boxes are to be filled",
  narrow: "LaMa's narrow strokes are to be filled",
  "super-resolve": "every second pixel of every second row is known",
  "alternating-lines": "every second row is known",
  half: "the left half is known",
  expand: "the middle sixteenth is known",
} as const;

export type MaskPattern = keyof typeof MASK_PATTERNS;

export interface MaskOptions {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Of the strokes: 0 … 2⁶⁴ − 1, the same seed gives the same mask everywhere. Default 0. */
  readonly seed?: bigint | undefined;
  /** The first known column (super-resolve) and the first known row (super-resolve, alternating-lines): 0 or 1 each. */
  readonly phase?: { readonly x?: number; readonly y?: number } | undefined;
}

/**
 * The pattern as a mask: 1 = known, 0 = to be filled. Patterns are cut to whole pixels by their centres, so at the
 * smallest sizes one may leave nothing known, or nothing to fill.
 * @throws InputError for an unknown pattern, a size that is none, a seed or a phase out of range
 */
export function drawKeepMask(pattern: MaskPattern, options: MaskOptions): Mask {
  const { width, height, seed = 0n, phase = {} } = options;
  const { x: phaseX = 0, y: phaseY = 0 } = phase;
  if (![width, height].every((side) => Number.isInteger(side) && side >= 1) || width * height > mostPixels)
    throw new InputError(
      `mask: expected a width and a height of at least 1 and at most ${mostPixels} pixels in all, got ${width}x${height}`,
    );
  if (typeof seed !== "bigint" || seed < 0n || seed >= 1n << 64n)
    throw new InputError(`mask: expected a seed from 0 to 2^64 - 1 (a bigint), got ${String(seed)}`);
  if (![phaseX, phaseY].every((value) => value === 0 || value === 1))
    throw new InputError(`mask: expected a phase of 0 or 1, got ${phaseX}, ${phaseY}`);
  switch (pattern) {
    case "wide":
      return keepOutside(options, strokesAndBoxes(options, seed, wideStrokes, wideBoxes));
    case "narrow":
      return keepOutside(options, strokesAndBoxes(options, seed, narrowStrokes));
    case "super-resolve":
      return keepWhere(options, (x, y) => x % 2 === phaseX && y % 2 === phaseY);
    case "alternating-lines":
      return keepWhere(options, (_, y) => y % 2 === phaseY);
    case "half":
      return keepWhere(options, (x) => 2 * x + 1 < width);
    case "expand":
      return keepWhere(
        options,
        (x, y) => 4 * Math.abs(2 * x + 1 - width) <= width && 4 * Math.abs(2 * y + 1 - height) <= height,
      );
    default:
      throw new InputError(
        `mask: expected one of ${Object.keys(MASK_PATTERNS).join(", ")}, got ${JSON.stringify(pattern)}`,
      );
  }
}

function keepWhere({ width, height }: MaskOptions, isKnown: (x: number, y: number) => boolean): Mask {
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * width + x] = isKnown(x, y) ? 1 : 0;
  return { width, height, data };
}

/** Numbers of strokes, and largest added width and length in pixels of a 256×256 picture (LaMa, appendix). */
interface Strokes {
  readonly least: number;
  readonly most: number;
  readonly width: number;
  readonly length: number;
}

interface Boxes {
  readonly probability: number;
  readonly most: number;
  readonly smallest: number;
  readonly largest: number;
  readonly margin: number;
}

const wideStrokes: Strokes = { least: 1, most: 5, width: 100, length: 200 };
const wideBoxes: Boxes = { probability: 0.3, most: 3, smallest: 30, largest: 150, margin: 10 };
const narrowStrokes: Strokes = { least: 4, most: 50, width: 10, length: 40 };

/** In pixels of the picture. */
type Shape =
  | {
      readonly kind: "box";
      readonly left: number;
      readonly top: number;
      readonly right: number;
      readonly bottom: number;
    }
  | {
      readonly kind: "segment";
      readonly from: readonly [number, number];
      readonly to: readonly [number, number];
      readonly radius: number;
    };

/**
 * Sine and cosine of the four angles that LaMa's strokes take, 0.01 + 0 … 3 rad. As numbers: the functions of different
 * engines differ in the last bit, and a mask must not.
 */
const angles = [
  [0.009999833334166664, 0.9999500004166653],
  [0.8468318446180152, 0.5318607213743555],
  [0.905090563325201, -0.4252188520981522],
  [0.13121319215018423, -0.9913541739488259],
] as const;

function strokesAndBoxes({ width, height }: MaskOptions, seed: bigint, strokes: Strokes, boxes?: Boxes): Shape[] {
  const scale = Math.sqrt(width * height) / 256;
  // The canvas in pixels of a 256×256 picture's scale: 256×256 for a square.
  const [canvasWidth, canvasHeight] = [width / scale, height / scale];
  const random = uniforms(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const inside = (value: number, end: number): number => Math.min(Math.max(value, 0), end);
  const shapes: Shape[] = [];
  const stroke = (): void => {
    let from = [random() * canvasWidth, random() * canvasHeight] as const;
    const segments = 1 + below(5);
    for (let i = 0; i < segments; i++) {
      const [sine, cosine] = angles[below(4)]!;
      const length = 10 + below(strokes.length);
      const radius = (5 + below(strokes.width)) / 2;
      // Even segments run at the mirrored angle.
      const to = [
        inside(from[0] + (i % 2 === 0 ? -sine : sine) * length, canvasWidth),
        inside(from[1] + cosine * length, canvasHeight),
      ] as const;
      const scaled = ([x, y]: readonly [number, number]) => [x * scale, y * scale] as const;
      shapes.push({ kind: "segment", from: scaled(from), to: scaled(to), radius: radius * scale });
      from = to;
    }
  };
  const box = ({ smallest, largest, margin }: Boxes): void => {
    const [boxWidth, boxHeight] = [smallest + below(largest - smallest), smallest + below(largest - smallest)];
    const left = margin + random() * Math.max(0, canvasWidth - 2 * margin - boxWidth);
    const top = margin + random() * Math.max(0, canvasHeight - 2 * margin - boxHeight);
    const [right, bottom] = [left + boxWidth, top + boxHeight];
    shapes.push({
      kind: "box",
      left: left * scale,
      top: top * scale,
      right: right * scale,
      bottom: bottom * scale,
    });
  };
  const count = strokes.least + below(strokes.most - strokes.least + 1);
  for (let i = 0; i < count; i++) stroke();
  if (boxes && random() < boxes.probability) {
    const boxCount = 1 + below(boxes.most);
    for (let i = 0; i < boxCount; i++) box(boxes);
  }
  return shapes;
}

/** Everything known but the pixels whose centre lies in a shape. */
function keepOutside({ width, height }: MaskOptions, shapes: readonly Shape[]): Mask {
  const data = new Float32Array(width * height).fill(1);
  const fillWhere = (
    [left, top, right, bottom]: readonly [number, number, number, number],
    isInside: (x: number, y: number) => boolean,
  ): void => {
    const [firstX, endX] = [Math.max(0, Math.floor(left)), Math.min(width, Math.ceil(right))];
    const [firstY, endY] = [Math.max(0, Math.floor(top)), Math.min(height, Math.ceil(bottom))];
    for (let y = firstY; y < endY; y++)
      for (let x = firstX; x < endX; x++) if (isInside(x + 0.5, y + 0.5)) data[y * width + x] = 0;
  };
  for (const shape of shapes) {
    if (shape.kind === "box") {
      const { left, top, right, bottom } = shape;
      fillWhere([left, top, right, bottom], (x, y) => x >= left && x < right && y >= top && y < bottom);
      continue;
    }
    const { from, to, radius } = shape;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const squared = dx * dx + dy * dy;
    const box = [
      Math.min(from[0], to[0]) - radius,
      Math.min(from[1], to[1]) - radius,
      Math.max(from[0], to[0]) + radius,
      Math.max(from[1], to[1]) + radius,
    ] as const;
    fillWhere(box, (x, y) => {
      const along = squared > 0 ? ((x - from[0]) * dx + (y - from[1]) * dy) / squared : 0;
      const at = Math.min(Math.max(along, 0), 1);
      const [ox, oy] = [x - from[0] - at * dx, y - from[1] - at * dy];
      return ox * ox + oy * oy <= radius * radius;
    });
  }
  return { width, height, data };
}
