/**
 * Drawn portraits of 64×64 pixels, of the kind that the shipped model was trained on: as many as wanted, by a seed, and what is in
 * them is known, so that a filled half can be judged by its meaning. Not here: how (meaning.ts).
 */
import { uniforms } from "../repaint/random.ts";
import type { Picture } from "../repaint/image.ts";
import { Canvas, type Colour } from "./canvas.ts";

/** Where things are, in pixels. */
export interface Portrait {
  readonly picture: Picture;
  /** The axis of symmetry, and the head's ellipse around (centreX, centreY). */
  readonly centreX: number;
  readonly centreY: number;
  readonly headWidth: number;
  readonly headHeight: number;
  /** Of both irises' centres: centreX ± eyeOffset + look, eyeY; radius of an eye. */
  readonly eyeOffset: number;
  readonly eyeY: number;
  readonly eyeRadius: number;
  readonly look: number;
}

const size = 64;
const skins: readonly Colour[] = [
  [255, 224, 196],
  [241, 194, 160],
  [224, 172, 125],
  [198, 134, 86],
  [141, 85, 50],
  [92, 56, 36],
];
const hairs: readonly Colour[] = [
  [28, 22, 20],
  [70, 42, 24],
  [120, 72, 34],
  [196, 140, 62],
  [232, 204, 132],
  [176, 62, 28],
  [150, 150, 156],
  [222, 84, 140],
  [66, 110, 200],
  [58, 160, 120],
];
const irises: readonly Colour[] = [
  [74, 46, 22],
  [50, 120, 60],
  [46, 104, 190],
  [110, 116, 120],
  [150, 90, 30],
  [120, 60, 160],
];
const white: Colour = [255, 255, 255];

function mix(a: Colour, b: Colour, share: number): Colour {
  const at = (c: 0 | 1 | 2) => Math.round(a[c] * (1 - share) + b[c] * share);
  return [at(0), at(1), at(2)];
}

/** Hue in turns, saturation and value 0 … 1. */
function hsv(hue: number, saturation: number, value: number): Colour {
  const at = (n: number) => {
    const k = (((n + hue * 6) % 6) + 6) % 6;
    return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [at(5), at(3), at(1)];
}

const styles = ["bald", "short", "long", "afro", "bun", "cap", "bob"] as const;

/** The same portrait for a seed everywhere. */
export function drawPortrait(seed: bigint): Portrait {
  const random = uniforms(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  const one = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const canvas = new Canvas(size);
  drawBackground(canvas, random, between);
  const tone = Math.floor(random() * 5);
  const skin = mix(skins[tone]!, skins[tone + 1]!, random());
  const [shade, hair] = [mix(skin, [60, 20, 20], 0.22), mix(one(hairs), white, between(0, 0.12))];
  const dark = mix(hair, [0, 0, 0], 0.35);
  const iris = one(irises);
  const [x, y] = [32 + between(-2, 2), 31 + between(-1.5, 1.5)];
  const [width, height] = [between(13.5, 16), between(16.5, 19)];
  const style = one(styles);
  const both = (draw: (side: -1 | 1) => void) => ([-1, 1] as const).forEach(draw);

  // Hair behind the head.
  if (style === "long") canvas.roundedBox([x - width - 4, y - height - 2, x + width + 4, y + height + 10], 14, dark);
  if (style === "afro") canvas.ellipse([x, y - 5], [width + 8, height + 3], hair);
  if (style === "bun") canvas.ellipse([x, y - height - 4], [7, 6], hair);
  if (style === "bob") canvas.roundedBox([x - width - 4, y - height - 2, x + width + 4, y + 12], 12, dark);
  drawShirt(canvas, { x, y, height, shade }, random, between);
  both((side) => canvas.ellipse([x + side * width, y + 1], [3, 4.2], shade));
  canvas.ellipse([x, y], [width, height], shade);
  canvas.ellipse([x, y - 0.6], [width - 1.1, height - 1.1], skin);
  if (random() < 0.25) {
    const ring: Colour = random() < 0.5 ? [250, 214, 70] : hsv(random(), 0.8, 0.95);
    both((side) => canvas.ellipse([x + side * width, y + 6.5], [1.7, 1.7], ring));
  }
  if (random() < 0.4) {
    const cheek = mix(skin, [236, 90, 90], 0.35);
    both((side) => canvas.ellipse([x + side * 8.5, y + 6.5], [2.8, 1.9], cheek));
  }
  drawHairInFront(canvas, style, { x, y, width, height, skin, hair }, one, between, random);

  const [eyeOffset, eyeY, eyeRadius, look] = [between(5.6, 7), y - 0.5, between(2.9, 3.7), between(-1, 1)];
  both((side) => {
    const at = x + side * eyeOffset;
    canvas.ellipse([at, eyeY], [eyeRadius, eyeRadius * 0.82], [250, 250, 250]);
    canvas.ellipse([at, eyeY], [eyeRadius, eyeRadius * 0.82], [50, 30, 30], { ring: 0.5 });
    canvas.ellipse([at + look, eyeY], [eyeRadius * 0.62, eyeRadius * 0.68], iris);
    canvas.ellipse([at + look, eyeY], [eyeRadius * 0.3, eyeRadius * 0.34], [12, 10, 12]);
    canvas.ellipse([at + look + 0.7, eyeY - 0.8], [0.55, 0.55], white);
  });
  const [brow, tilt] = [between(1.2, 2.2), between(-1.2, 1.2)];
  const browColour = style === "bald" ? mix(skin, [40, 20, 10], 0.6) : dark;
  both((side) => {
    const level = eyeY - eyeRadius - 1.6;
    const ends = [
      [x + side * (eyeOffset - 3.2), level - tilt],
      [x + side * (eyeOffset + 3.2), level + tilt],
    ] as const;
    canvas.line(ends, brow, browColour);
  });
  const nose = [
    [x, y + 1],
    [x + 1.4, y + 5],
    [x - 0.8, y + 5.4],
  ] as const;
  canvas.line(nose, 1.1, shade);
  if (random() < 0.2) {
    const reach = (height + 0.6) * Math.sin((22 * Math.PI) / 180);
    const radii = [width - 1.2, height - 1.3] as const;
    canvas.ellipse([x, y + 0.7], radii, dark, { isShown: (_, dy) => dy >= reach });
  }
  drawMouth(canvas, { x, y, skin }, random, between);
  if (random() < 0.25) drawGlasses(canvas, { x, y, width, eyeOffset, eyeY, eyeRadius }, random);
  const head = { centreX: x, centreY: y, headWidth: width, headHeight: height };
  return { picture: canvas.finish(), ...head, eyeOffset, eyeY, eyeRadius, look };
}

type Random = () => number;
type Between = (low: number, high: number) => number;

function drawBackground(canvas: Canvas, random: Random, between: Between): void {
  const hue = random();
  const top = hsv(hue, between(0.25, 0.75), between(0.55, 1));
  const bottom = hsv(hue + between(-0.12, 0.12), between(0.2, 0.7), between(0.35, 0.9));
  for (let row = 0; row < 4 * size; row++)
    canvas.fill([0, row / 4, size, (row + 1) / 4], mix(top, bottom, row / (4 * size)));
  if (random() >= 0.3) return;
  const sun = hsv(hue + 0.5 + between(-0.1, 0.1), between(0.2, 0.6), between(0.7, 1));
  const radius = between(24, 29);
  canvas.ellipse([32, 30], [radius, radius], sun);
}

function drawShirt(
  canvas: Canvas,
  { x, y, height, shade }: { x: number; y: number; height: number; shade: Colour },
  random: Random,
  between: Between,
): void {
  const shirt = hsv(random(), between(0.3, 0.9), between(0.35, 0.95));
  canvas.fill([x - 6, y + height - 6, x + 6, size], shade);
  canvas.ellipse([x, 72], [between(24, 29), 20], shirt);
  const pattern = random();
  if (pattern < 0.25) {
    const stripe = mix(shirt, white, 0.5);
    for (let k = -5; k <= 5; k++)
      canvas.fill([x + k * 6 - 1, 53 + Math.abs(k) ** 1.6 * 0.55, x + k * 6 + 1, size], stripe);
  } else if (pattern < 0.5) canvas.ellipse([x, 53.5], [7.5, 3.5], shade);
}

function drawHairInFront(
  canvas: Canvas,
  style: (typeof styles)[number],
  head: { x: number; y: number; width: number; height: number; skin: Colour; hair: Colour },
  one: <T>(all: readonly T[]) => T,
  between: Between,
  random: Random,
): void {
  const { x, y, width, height, skin, hair } = head;
  /** The upper half of the ellipse in these bounds. */
  const cap = (left: number, top: number, right: number, bottom: number, colour: Colour) =>
    canvas.ellipse([(left + right) / 2, (top + bottom) / 2], [(right - left) / 2, (bottom - top) / 2], colour, {
      isShown: (_, dy) => dy <= 0,
    });
  if (style === "afro") cap(x - width - 1, y - height - 1, x + width + 1, y + 2, hair);
  else if (style === "cap") {
    const colour = hsv(random(), between(0.5, 0.95), between(0.4, 0.95));
    cap(x - width - 2, y - height - 3.5, x + width + 2, y + 5, colour);
    canvas.roundedBox([x - width - 3.5, y - 9.5, x + width + 3.5, y - 6], 1.6, mix(colour, [0, 0, 0], 0.3));
  } else if (style !== "bald") {
    cap(x - width - 1.5, y - height - 2.5, x + width + 1.5, y + height * 0.45, hair);
    const fringe = one(["swept", "round", "none"]);
    if (fringe === "round") canvas.ellipse([x, y - height * 0.5], [width * 0.95, 4.2], hair);
    else if (fringe === "none") canvas.ellipse([x, y - 2], [width * 0.8, height * 0.42], skin);
    else {
      const points = [
        [x - width, y - 6],
        [x + width * 0.9, y - 13],
        [x + width, y - 3],
        [x + width * 0.85, y - 7],
        [x - width * 0.3, y - 6],
      ] as const;
      canvas.polygon(points, hair);
    }
  }
}

function drawMouth(
  canvas: Canvas,
  { x, y, skin }: { x: number; y: number; skin: Colour },
  random: Random,
  between: Between,
): void {
  const [at, width] = [y + between(9, 10.6), between(4, 6.5)];
  const lip = mix(skin, [190, 40, 50], between(0.5, 0.85));
  const inside: Colour = [110, 20, 30];
  const kind = Math.floor(random() * 4);
  if (kind === 0) {
    const from = 3.5 * Math.sin((10 * Math.PI) / 180);
    const isShown = (_: number, dy: number) => dy >= from;
    canvas.ellipse([x, at - 0.1], [width, 3.5], inside, { isShown });
    canvas.ellipse([x, at - 0.1], [width, 3.5], lip, { isShown, ring: 0.7 });
    canvas.fill([x - width * 0.62, at + 0.45, x + width * 0.62, at + 1.35], [250, 250, 250]);
  } else if (kind === 1) {
    const from = 3.2 * Math.sin((15 * Math.PI) / 180);
    canvas.ellipse([x, at - 0.8], [width, 3.2], lip, { ring: 1.3, isShown: (_, dy) => dy >= from });
  } else if (kind === 2)
    canvas.line(
      [
        [x - width * 0.8, at],
        [x + width * 0.8, at],
      ],
      1.4,
      lip,
    );
  else {
    canvas.ellipse([x, at + 0.6], [2.3, 2.7], inside);
    canvas.ellipse([x, at + 0.6], [2.3, 2.7], lip, { ring: 0.8 });
  }
}

function drawGlasses(
  canvas: Canvas,
  face: { x: number; y: number; width: number; eyeOffset: number; eyeY: number; eyeRadius: number },
  random: Random,
): void {
  const { x, width, eyeOffset, eyeY, eyeRadius } = face;
  const colour: Colour = random() < 0.6 ? [25, 25, 30] : hsv(random(), 0.85, 0.8);
  const radius = eyeRadius + 1.7;
  const isRound = random() < 0.5;
  for (const side of [-1, 1]) {
    const at = x + side * eyeOffset;
    if (isRound) canvas.ellipse([at, eyeY], [radius, radius], colour, { ring: 1.1 });
    else {
      const bounds = [at - radius, eyeY - radius * 0.8, at + radius, eyeY + radius * 0.8] as const;
      canvas.roundedBox(bounds, 1.5, colour, { ring: 1.1 });
    }
    const temple = [
      [x + side * (eyeOffset + radius), eyeY],
      [x + side * width, eyeY - 1],
    ] as const;
    canvas.line(temple, 1.1, colour);
  }
  const bridge = [
    [x - eyeOffset + radius, eyeY],
    [x + eyeOffset - radius, eyeY],
  ] as const;
  canvas.line(bridge, 1.1, colour);
}
