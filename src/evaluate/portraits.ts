/**
 * The unseen portraits (weights/unseen): drawn like the training data from another seed, so what is in them is known,
 * and a filled half can be judged by its meaning. Not here: reading the files (src/cli/reproduction/pictures.ts), how
 * (meaning.ts), drawing (weights/train/unseen.py).
 */
import { InputError } from "../errors.ts";
import { createPicture, type Picture } from "../pictures/image.ts";

export type Colour = readonly [number, number, number];

/** Where things are, in pixels of the picture. */
export interface Portrait {
  readonly picture: Picture;
  /** Of `PortraitSheet.classes`. */
  readonly class: number;
  /** The irises' centres, left and right in the picture. */
  readonly eyes: readonly [Point, Point];
  readonly irisRadius: number;
  /** Centre x and y, half width and half height of the head's ellipse; it is symmetric around x. */
  readonly head: readonly [number, number, number, number];
}

export type Point = readonly [number, number];

export interface PortraitSheet {
  readonly classes: readonly string[];
  /** 0 … 255, by name. */
  readonly irises: Readonly<Record<string, Colour>>;
  readonly portraits: readonly Portrait[];
}

/** What stands beside the sheet (portraits.json). */
interface SheetFacts extends Omit<PortraitSheet, "portraits"> {
  /** Of a cell's side. */
  readonly size: number;
  readonly columns: number;
  readonly portraits: readonly Omit<Portrait, "picture">[];
}

/** Cuts the sheet's cells, row by row. @throws InputError where the two do not belong together */
export function cutSheet(sheet: Picture, facts: unknown): PortraitSheet {
  const { classes, irises, portraits, size, columns } = facts as SheetFacts;
  const rows = Math.ceil(portraits.length / columns);
  if (sheet.width !== columns * size || sheet.height !== rows * size)
    throw new InputError(
      `the sheet of unseen portraits should be ${columns * size}x${rows * size}, and is ${sheet.width}x${sheet.height}: install or check out again`,
    );
  const cell = (index: number): Picture => {
    const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
    const picture = createPicture(size, size);
    for (let row = 0; row < size; row++) {
      const begin = 4 * ((y + row) * sheet.width + x);
      picture.data.set(sheet.data.subarray(begin, begin + 4 * size), 4 * row * size);
    }
    return picture;
  };
  return { classes, irises, portraits: portraits.map((own, index) => ({ ...own, picture: cell(index) })) };
}
