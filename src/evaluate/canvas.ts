/** A small canvas for drawn test pictures: shapes of one colour, four samples a side of each pixel. Not here: what is drawn. */
import { createPicture, type Picture } from "../repaint/image.ts";

export type Colour = readonly [number, number, number];

/** [left, top, right, bottom] in pixels. */
export type Bounds = readonly [number, number, number, number];

const samples = 4;

export class Canvas {
  readonly #size: number;
  readonly #colours: Uint8Array;

  /** Of `size` × `size` pixels. */
  constructor(size: number) {
    this.#size = size * samples;
    this.#colours = new Uint8Array(this.#size ** 2 * 3);
  }

  /** Colours the samples inside the bounds of which `isInside` says so. */
  fill(
    [left, top, right, bottom]: Bounds,
    colour: Colour,
    isInside: (x: number, y: number) => boolean = () => true,
  ): void {
    const first = (at: number) => Math.max(0, Math.floor(at * samples));
    const end = (at: number) => Math.min(this.#size, Math.ceil(at * samples));
    for (let v = first(top); v < end(bottom); v++)
      for (let u = first(left); u < end(right); u++) {
        const [x, y] = [(u + 0.5) / samples, (v + 0.5) / samples];
        if (x < left || x > right || y < top || y > bottom || !isInside(x, y)) continue;
        this.#colours.set(colour, 3 * (v * this.#size + u));
      }
  }

  /** The part of an ellipse that `isShown` leaves; with `ring` only its edge, so wide, inside. */
  ellipse(
    [x, y]: readonly [number, number],
    [rx, ry]: readonly [number, number],
    colour: Colour,
    { ring, isShown }: { ring?: number; isShown?: (dx: number, dy: number) => boolean } = {},
  ): void {
    const within = (dx: number, dy: number, less: number) =>
      rx > less && ry > less && (dx / (rx - less)) ** 2 + (dy / (ry - less)) ** 2 <= 1;
    this.fill([x - rx, y - ry, x + rx, y + ry], colour, (px, py) => {
      const [dx, dy] = [px - x, py - y];
      return within(dx, dy, 0) && !(ring !== undefined && within(dx, dy, ring)) && (isShown?.(dx, dy) ?? true);
    });
  }

  /** With round corners; with `ring` only its edge. */
  roundedBox(bounds: Bounds, radius: number, colour: Colour, { ring }: { ring?: number } = {}): void {
    const within = (x: number, y: number, less: number): boolean => {
      const [left, top, right, bottom] = [bounds[0] + less, bounds[1] + less, bounds[2] - less, bounds[3] - less];
      const r = Math.max(0, radius - less);
      if (x < left || x > right || y < top || y > bottom) return false;
      const [dx, dy] = [Math.max(left + r - x, x - right + r, 0), Math.max(top + r - y, y - bottom + r, 0)];
      return dx * dx + dy * dy <= r * r;
    };
    this.fill(bounds, colour, (x, y) => within(x, y, 0) && !(ring !== undefined && within(x, y, ring)));
  }

  /** Lines of a width through points. */
  line(points: readonly (readonly [number, number])[], width: number, colour: Colour): void {
    const half = width / 2;
    for (const [i, [x1, y1]] of points.slice(1).entries()) {
      const [x0, y0] = points[i]!;
      const [dx, dy] = [x1 - x0, y1 - y0];
      const squared = dx * dx + dy * dy || 1;
      const bounds = [
        Math.min(x0, x1) - half,
        Math.min(y0, y1) - half,
        Math.max(x0, x1) + half,
        Math.max(y0, y1) + half,
      ] as const;
      this.fill(bounds, colour, (x, y) => {
        const along = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / squared));
        return (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 <= half * half;
      });
    }
  }

  polygon(points: readonly (readonly [number, number])[], colour: Colour): void {
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
    this.fill([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], colour, (x, y) => {
      let isInside = false;
      for (const [i, [x1, y1]] of points.entries()) {
        const [x0, y0] = points.at(i - 1)!;
        if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) isInside = !isInside;
      }
      return isInside;
    });
  }

  /** Every pixel the mean of its samples, opaque. */
  finish(): Picture {
    const size = this.#size / samples;
    const picture = createPicture(size, size);
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const at = 4 * (y * size + x);
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let v = 0; v < samples; v++)
            for (let u = 0; u < samples; u++)
              sum += this.#colours[3 * ((y * samples + v) * this.#size + x * samples + u) + c]!;
          picture.data[at + c] = sum / samples ** 2;
        }
        picture.data[at + 3] = 255;
      }
    return picture;
  }
}
