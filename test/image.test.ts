/** Pictures, masks, the model's range of values, and resizing by Pillow's rule. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { type Picture, fromModelRange, toModelRange } from "../src/pictures/image.ts";
import { keepMask, readingOf } from "../src/pictures/keepMask.ts";
import { type Filter, crop, resize, resizeAndCentreCrop, resizeMask, resizeRows } from "../src/pictures/resize.ts";

function picture(width: number, height: number, pixel: (x: number, y: number) => number[]): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(pixel(x, y), 4 * (y * width + x));
  return { width, height, data };
}

const gray = (value: number, alpha = 255): number[] => [value, value, value, alpha];
const rowOf = (...pixels: number[][]): Picture => picture(pixels.length, 1, (x) => pixels[x]!);
const channel = ({ data }: Picture, c = 0): number[] => Array.from(data.filter((_, i) => i % 4 === c));

describe("keepMask", () => {
  it("cuts soft masks at keep >= 0.5, for white = keep and white = fill", () => {
    const mask = rowOf(gray(0), gray(127), gray(128), gray(255));
    expect([...keepMask(mask, "keep").data]).toEqual([0, 0, 1, 1]);
    expect([...keepMask(mask, "fill").data]).toEqual([1, 1, 0, 0]);
  });

  it("weights colours by luminance: green is light, blue and red are dark", () => {
    const mask = rowOf([0, 255, 0, 255], [255, 0, 0, 255], [0, 0, 255, 255], [255, 255, 0, 255], gray(255));
    expect(readingOf(mask)).toBe("luminance");
    expect([...keepMask(mask, "keep").data]).toEqual([1, 0, 0, 1, 1]);
  });

  it("takes brushes of any colour on black for white, where nothing is light in all channels", () => {
    const mask = rowOf(gray(0), [255, 0, 0, 255], [0, 0, 200, 255], [120, 0, 0, 255], gray(12));
    expect(readingOf(mask)).toBe("brush");
    expect([...keepMask(mask, "fill").data]).toEqual([1, 0, 0, 1, 1]);
    expect(readingOf(rowOf(gray(0), gray(76)))).toBe("luminance");
  });

  it("takes the numbers 0 and 1 for black and white", () => {
    const mask = rowOf(gray(0), gray(1));
    expect(readingOf(mask)).toBe("numbers");
    expect([...keepMask(mask, "fill").data]).toEqual([1, 0]);
    expect([...keepMask(mask, "keep").data]).toEqual([0, 1]);
    expect(readingOf(rowOf(gray(0), gray(1), gray(2)))).toBe("luminance");
    expect(readingOf(rowOf(gray(0), gray(0)))).toBe("luminance");
  });

  it("fills what is transparent in a picture, whatever white means", () => {
    const photo = picture(16, 16, (x, y) => [16 * x, 16 * y, 90, x < 4 && y < 4 ? 0 : 255]);
    expect(readingOf(photo)).toBe("picture");
    for (const white of ["fill", "keep"] as const)
      expect([...keepMask(photo, white).data].filter((value) => value === 0).length).toBe(16);
    // A mask with soft edges and a transparent part is still a mask.
    const soft = picture(16, 16, (x, y) => gray(x < 7 ? 0 : x > 8 ? 255 : 128, y === 0 ? 0 : 255));
    expect(readingOf(soft)).toBe("luminance");
  });

  it("takes the alpha of a layer painted in one colour, also in black", () => {
    for (const brush of [0, 128, 255]) {
      const mask = rowOf([0, 0, 0, 0], gray(brush, 100), gray(brush, 200), gray(brush));
      expect([...keepMask(mask, "fill").data]).toEqual([1, 1, 0, 0]);
    }
  });

  it("lays any other picture with transparency over black", () => {
    const mask = rowOf(gray(255), gray(0), gray(255, 0), gray(255, 100));
    expect([...keepMask(mask, "keep").data]).toEqual([1, 0, 0, 0]);
  });

  it("refuses sizes that are not sizes and data that do not fit them", () => {
    const data = new Uint8ClampedArray(16);
    for (const [width, height] of [
      [0, 4],
      [2, 3],
      [1.5, 2],
      [Number.NaN, 1],
      [-2, -2],
    ] as const)
      expect(() => keepMask({ width, height, data }, "keep")).toThrow(InputError);
  });
});

describe("model range", () => {
  it("is value / 127.5 - 1, channels first", () => {
    const values = toModelRange(rowOf([0, 51, 255, 9], [255, 102, 0, 0]));
    expect([...values]).toEqual([-1, 1, 51 / 127.5 - 1, 102 / 127.5 - 1, 1, -1].map(Math.fround));
  });

  it("comes back truncated and clamped, NaN as 0", () => {
    const values = Float32Array.of(-1, 1, 0, 0.999, -7, 7, Number.NaN, Infinity, -Infinity, -0.9961, -0.5, 0.5);
    const out = fromModelRange(values, 4, 1);
    expect(channel(out, 0)).toEqual([0, 255, 127, 254]);
    expect(channel(out, 1)).toEqual([0, 255, 0, 255]);
    expect(channel(out, 2)).toEqual([0, 0, 63, 191]);
    expect(channel(out, 3)).toEqual([255, 255, 255, 255]);
  });

  it("changes no level by more than 1", () => {
    const levels = picture(256, 1, (x) => gray(x));
    const back = channel(fromModelRange(toModelRange(levels), 256, 1));
    back.forEach((value, level) => expect([level - 1, level]).toContain(value));
  });
});

interface ResizeCase {
  width: number;
  height: number;
  input: number[];
  filter: Filter;
  toWidth: number;
  toHeight: number;
  bytes: number[];
  floats: number[];
}
const cases = JSON.parse(
  readFileSync(new URL("goldens/pictures/resize.json", import.meta.url), "utf8"),
) as ResizeCase[];

/** Two dark and two light squares, and the upper left quarter of what Pillow makes of them (its own test's values). */
const pillow: { from: number; to: number; filter: Filter; quarter: string }[] = [
  { from: 8, to: 4, filter: "box", quarter: "e1 e1 e1 e1" },
  { from: 2, to: 4, filter: "box", quarter: "e1 e1 e1 e1" },
  { from: 12, to: 6, filter: "bicubic", quarter: "e1 e3 d4 e3 e5 d6 d4 d6 c9" },
  { from: 4, to: 8, filter: "bicubic", quarter: "e1 e5 ee b9 e5 e9 f3 bc ee f3 fd c1 b9 bc c1 a2" },
];

describe("resize", () => {
  it.each(pillow)("gives Pillow's bytes, $filter $from to $to", ({ from, to, filter, quarter }) => {
    const squares = picture(from, from, (x, y) => gray(x < from / 2 === y < from / 2 ? 0xe1 : 0x1e));
    const out = channel(resize(squares, to, to, filter));
    const half = to / 2;
    quarter.split(" ").forEach((hex, i) => {
      const [x, y] = [i % half, Math.floor(i / half)];
      const value = Number.parseInt(hex, 16);
      const places = [y * to + x, (to - 1 - y) * to + to - 1 - x, (to - 1 - y) * to + x, y * to + to - 1 - x];
      expect(places.map((at) => out[at])).toEqual([value, value, 255 - value, 255 - value]);
    });
  });

  it("equals exact arithmetic: bytes to the bit, floats to rounding", () => {
    expect(cases.length).toBe(36);
    for (const { width, height, input, filter, toWidth, toHeight, bytes, floats } of cases) {
      const label = `${width}x${height} to ${toWidth}x${toHeight} ${filter}`;
      // Each channel holds other values, so that mixed-up channels show.
      const source = picture(width, height, (x, y) => {
        const value = input[y * width + x]!;
        return [value, 255 - value, 7, value];
      });
      const out = resize(source, toWidth, toHeight, filter);
      expect(channel(out, 0), label).toEqual(bytes);
      expect(channel(out, 2), label).toEqual(bytes.map(() => 7));
      expect(channel(out, 3), label).toEqual(bytes);
      const mask = resizeMask({ width, height, data: Float32Array.from(input) }, toWidth, toHeight, filter);
      mask.data.forEach((value, i) => expect(Math.abs(value - floats[i]!), `${label} at ${i}`).toBeLessThan(1e-3));
    }
  });

  it("leaves a flat picture flat at every size, and floats within the filter's overshoot", () => {
    const size = fc.integer({ min: 1, max: 70 });
    const filter = fc.constantFrom<Filter>("box", "bicubic");
    fc.assert(
      fc.property(size, size, size, size, filter, fc.nat(255), (w, h, toW, toH, kind, level) => {
        const out = resize(
          picture(w, h, () => [level, level, 255 - level, level]),
          toW,
          toH,
          kind,
        );
        expect(new Set(channel(out))).toEqual(new Set([level]));
        const row = (): Float32Array => new Float32Array(w).fill(level);
        for (const value of resizeRows({ width: w, height: h, channels: 1, row }, toW, toH, kind))
          expect(Math.abs(value - level)).toBeLessThan(1e-3);
      }),
    );
  });

  it("refuses sizes below 1", () => {
    const one = picture(1, 1, () => gray(1));
    for (const size of [0, -1, 1.5, Number.NaN]) expect(() => resize(one, size, 1, "box")).toThrow(InputError);
  });
});

describe("resizeAndCentreCrop", () => {
  it("halves with the box filter and cuts the centre: values by hand", () => {
    // 16x8 to 4: one halving to 8x4, no bicubic; columns 2 to 5 are the means of columns 4 to 11.
    const ramp = picture(16, 8, (x) => gray(10 * x));
    expect(channel(resizeAndCentreCrop(ramp, 4)).slice(0, 4)).toEqual([45, 65, 85, 105]);
  });

  it("is the identity on a picture of the size", () => {
    const noise = picture(7, 7, (x, y) => [x * 31, y * 17, x * y, 255]);
    expect(resizeAndCentreCrop(noise, 7)).toEqual(noise);
  });

  it("gives the size from any size", () => {
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 20 }), (w, h, size) => {
        const out = resizeAndCentreCrop(
          picture(w, h, () => gray(99)),
          size,
        );
        expect([out.width, out.height]).toEqual([size, size]);
        expect(new Set(channel(out))).toEqual(new Set([99]));
      }),
    );
  });
});

it("crop repeats the edge outside of the picture", () => {
  const source = picture(3, 2, (x, y) => gray(10 * x + y));
  expect(channel(crop(source, -1, -1, 5, 4))).toEqual([
    0, 0, 10, 20, 20, 0, 0, 10, 20, 20, 1, 1, 11, 21, 21, 1, 1, 11, 21, 21,
  ]);
});
