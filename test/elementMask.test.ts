/** What the element's tools do to a mask, and undo: against definitions by brute force. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MaskHistory } from "../src/element/ui/history.ts";
import {
  createFillMask,
  filledBox,
  fromKeep,
  grown,
  inverted,
  paint,
  resized,
  shapeBox,
  shrunk,
  toKeep,
  type FillMask,
  type Shape,
} from "../src/element/ui/maskOperations.ts";

const draw = (rows: string): FillMask => {
  const lines = rows.trim().split(/\s+/);
  const data = Uint8Array.from(lines.join(""), (sign) => (sign === "#" ? 1 : 0));
  return { width: lines[0]!.length, height: lines.length, data };
};
const show = ({ width, height, data }: FillMask): string =>
  Array.from({ length: height }, (_, y) => Array.from(data.subarray(y * width, (y + 1) * width), (value) => (value ? "#" : ".")).join("")).join(" "); // prettier-ignore

const masks = fc
  .record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 70 }), seed: fc.nat() })
  .map(({ width, height, seed }): FillMask => {
    const mask = createFillMask(width, height);
    for (let i = 0; i < mask.data.length; i++) mask.data[i] = ((i + seed) * 2654435761) >>> 29 === 0 ? 1 : 0;
    return mask;
  });

/** Every pixel whose centre is at most `radius` away from the centre of one that is `value`. */
function within({ width, height, data }: FillMask, radius: number, value: 0 | 1): Uint8Array {
  return data.map((_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++)
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++)
        if (data[v * width + u] === value && (u - x) ** 2 + (v - y) ** 2 <= radius ** 2) return 1;
    return 0;
  });
}

describe("operations on all of a mask", () => {
  test("grow and shrink are distances", () => {
    fc.assert(
      fc.property(masks, fc.integer({ min: 1, max: 4 }), (mask, radius) => {
        expect(grown(mask, radius).data).toEqual(within(mask, radius, 1));
        expect(shrunk(mask, radius).data).toEqual(within(mask, radius, 0).map((value) => 1 - value));
      }),
      { numRuns: 40 },
    );
  });

  test("invert, keep and back, the box", () => {
    const mask = draw(".... .##. .... #...");
    expect(show(inverted(mask))).toBe("#### #..# #### .###");
    expect(fromKeep(toKeep(mask)).data).toEqual(mask.data);
    expect(toKeep(mask).data[5]).toBe(0);
    expect(filledBox(mask)).toEqual({ x: 0, y: 1, width: 3, height: 3 });
    expect(filledBox(createFillMask(3, 2))).toBeUndefined();
    expect(show(resized(draw("#. .#"), 4, 2))).toBe("##.. ..##");
  });
});

describe("shapes", () => {
  test("a stroke holds the pixels that are near its line, and no others", () => {
    const number = fc.double({ min: -10, max: 50, noNaN: true });
    const end = fc.record({ x: number, y: number, radius: fc.double({ min: 0.8, max: 12, noNaN: true }) });
    fc.assert(
      fc.property(end, end, (from, to) => {
        const mask = createFillMask(40, 30);
        const shape: Shape = { kind: "stroke", from, to };
        paint(mask, shape, 1);
        const box = shapeBox(shape, mask);
        for (const [i, value] of mask.data.entries()) {
          const [x, y] = [(i % 40) + 0.5, Math.floor(i / 40) + 0.5];
          // A hundred discs along the line, nearly.
          const isNear = Array.from({ length: 101 }, (_, k) => k / 100).some(
            (t) => Math.hypot(x - from.x - t * (to.x - from.x), y - from.y - t * (to.y - from.y)) <= from.radius + t * (to.radius - from.radius), // prettier-ignore
          );
          if (isNear) expect(value).toBe(1);
          if (value === 1) expect(x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
    const disc = createFillMask(5, 5);
    const centre = { x: 2.5, y: 2.5, radius: 1.5 };
    paint(disc, { kind: "stroke", from: centre, to: centre }, 1);
    expect(show(disc)).toBe("..... .###. .###. .###. .....");
  });

  test("the smallest dab hits the pixel that it stands on", () => {
    const mask = createFillMask(4, 2);
    const at = { x: 2.05, y: 0.95, radius: 0.1 };
    paint(mask, { kind: "stroke", from: at, to: at }, 1);
    expect(mask.data[2]).toBe(1);
  });

  test("rectangles and polygons go by centres, and are cut at the edge", () => {
    const mask = createFillMask(6, 4);
    paint(mask, { kind: "rectangle", from: { x: 5.2, y: 9 }, to: { x: 1.6, y: 1.4 } }, 1);
    expect(show(mask)).toBe("...... ..###. ..###. ..###.");
    paint(mask, { kind: "polygon", points: [{ x: 0.6, y: 0 }, { x: 6, y: 0 }, { x: 6, y: 5.4 }] }, 0); // prettier-ignore
    expect(show(mask)).toBe("...... ...... ..#... ..##..");
    paint(mask, { kind: "rectangle", from: { x: 90, y: 90 }, to: { x: 95, y: 99 } }, 1);
    expect(show(mask)).toBe("...... ...... ..#... ..##..");
  });
});

describe("history", () => {
  const steps = fc.array(
    fc.oneof(
      fc.constantFrom("undo" as const, "redo" as const, "cancel" as const),
      fc.record({ x: fc.integer({ min: -5, max: 160 }), y: fc.integer({ min: -5, max: 120 }), r: fc.integer({ min: 1, max: 60 }), value: fc.constantFrom(0 as const, 1 as const) }), // prettier-ignore
    ),
    { minLength: 1, maxLength: 40 },
  );

  test("undo and redo walk the states, whatever came before", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const mask = createFillMask(150, 110);
        const history = new MaskHistory(mask);
        let [states, now] = [[mask.data.slice()], 0];
        for (const step of all) {
          if (step === "undo") expect(history.undo() !== undefined).toBe(now > 0 && now-- > 0);
          else if (step === "redo") expect(history.redo() !== undefined).toBe(now < states.length - 1 && ++now > 0);
          else {
            const at = step === "cancel" ? { x: 60, y: 60, radius: 50 } : { ...step, radius: step.r };
            const shape: Shape = { kind: "stroke", from: at, to: at };
            history.touch(shapeBox(shape, mask));
            paint(mask, shape, step === "cancel" ? 1 : step.value);
            if (step === "cancel") history.rollback();
            else if (history.commit("dab")) {
              states = [...states.slice(0, now + 1), mask.data.slice()];
              now++;
            }
          }
          expect(Buffer.compare(mask.data, states[now]!)).toBe(0);
          expect([history.canUndo, history.canRedo]).toEqual([now > 0, now < states.length - 1]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("a step is worth what it touched, and one that changes nothing is none", () => {
    const mask = createFillMask(3000, 2000);
    const history = new MaskHistory(mask);
    for (let i = 0; i < 100; i++) {
      const at = { x: 100 + i, y: 100, radius: 10 };
      const shape: Shape = { kind: "stroke", from: at, to: at };
      history.touch(shapeBox(shape, mask));
      paint(mask, shape, 1);
      expect(history.commit("dab")).toBe(true);
    }
    expect(history.usedBytes).toBeLessThan(100 * 4 * 512 + 1);
    history.touch({ x: 0, y: 0, width: 3000, height: 2000 });
    expect(history.commit("nothing")).toBe(false);
    expect(history.undo()).toMatchObject({ label: "dab" });
  });
});
