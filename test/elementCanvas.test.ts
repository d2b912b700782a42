/** A canvas that grows and shrinks under a mask, undone and redone: against whole copies of every state. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { Workspace, sideNames } from "../src/element/ui/workspace.ts";
import type { Sides } from "../src/pictures/extend.ts";
import { createPicture } from "../src/pictures/image.ts";

function opened(width = 7, height = 5): Workspace {
  const picture = createPicture(width, height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = i + 1;
  const workspace = new Workspace();
  workspace.setPicture(picture);
  return workspace;
}

const state = ({ picture, mask, sides, results }: Workspace) => ({
  size: [picture!.width, picture!.height, mask.width, mask.height],
  picture: [...picture!.data],
  mask: [...mask.data],
  sides: { ...sides },
  results: results.map(({ id }) => id),
});

describe("a larger canvas", () => {
  const side = fc.nat(6);
  const sides: fc.Arbitrary<Sides> = fc.record({ left: side, top: side, right: side, bottom: side });
  const step = fc.oneof(
    fc.record({ kind: fc.constant("extend" as const), sides }),
    fc.record({ kind: fc.constant("paint" as const), x: fc.nat(12), y: fc.nat(12), value: fc.constantFrom(0, 1) }),
    fc.record({ kind: fc.constant("result" as const) }),
    fc.record({ kind: fc.constant("undo" as const) }),
    fc.record({ kind: fc.constant("redo" as const) }),
  );

  test("undo and redo go through strokes and sizes alike, and bring results back with their canvas", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const workspace = opened();
        const done = [state(workspace)];
        const undone: (typeof done)[number][] = [];
        for (const one of steps) {
          if (one.kind === "result") {
            workspace.addResult({ index: 0, seed: 1n, reached: "result", x: 0, y: 0, picture: createPicture(1, 1) });
            // Results are no steps: they belong to the canvas, in whatever state its mask is.
            const { sides: at, results } = state(workspace);
            const isHere = (other: (typeof done)[number]) => canvasOf.get(other) === canvasOf.get(done.at(-1)!);
            for (const other of [...done, ...undone]) if (isHere(other)) other.results = results;
            expect(at).toEqual(done.at(-1)!.sides);
          } else if (one.kind === "undo" || one.kind === "redo") {
            const [from, to] = one.kind === "undo" ? [done, undone] : [undone, done];
            const isPossible = one.kind === "undo" ? done.length > 1 : undone.length > 0;
            expect(workspace.history[one.kind === "undo" ? "canUndo" : "canRedo"]).toBe(isPossible);
            expect(workspace[one.kind]() !== undefined).toBe(isPossible);
            if (isPossible) to.push(from.pop()!);
          } else {
            const before = done.at(-1)!;
            if (one.kind === "paint") {
              const value = one.value === 1 ? 1 : 0;
              workspace.paint({ kind: "rectangle", from: { x: one.x, y: one.y }, to: { x: one.x + 4, y: one.y + 3 } }, value); // prettier-ignore
              if (!workspace.endStep("paint")) continue;
            } else {
              const isSame = sideNames.every((name) => one.sides[name] === before.sides[name]);
              if (isSame) continue;
              expect(workspace.extend(one.sides)).toBe(true);
            }
            undone.length = 0;
            done.push(state(workspace));
            if (one.kind === "paint") canvasOf.set(done.at(-1)!, canvasOf.get(before)!);
          }
          expect(state(workspace)).toEqual(done.at(-1));
        }
      }),
      { numRuns: 300 },
    );
  });
  /** Of states: those of one canvas share its results. */
  const canvasOf = {
    keys: new WeakMap<object, object>(),
    get(one: object): object {
      if (!this.keys.has(one)) this.keys.set(one, {});
      return this.keys.get(one)!;
    },
    set(one: object, key: object): void {
      this.keys.set(one, key);
    },
  };

  test("the picture keeps its pixels, the mask what was painted; the border is to be filled", () => {
    fc.assert(
      fc.property(sides, sides, (first, second) => {
        const workspace = opened();
        workspace.paint({ kind: "rectangle", from: { x: 1, y: 1 }, to: { x: 4, y: 3 } }, 1);
        workspace.endStep("paint");
        const before = state(workspace);
        for (const one of [first, second]) {
          if (sideNames.every((name) => one[name] === workspace.sides[name])) continue;
          workspace.extend(one);
          const { picture, mask } = workspace;
          expect([picture!.width, picture!.height]).toEqual([mask.width, mask.height]);
          for (let i = 0; i < mask.data.length; i++) {
            const [x, y] = [(i % mask.width) - one.left, Math.floor(i / mask.width) - one.top];
            const isInside = x >= 0 && y >= 0 && x < 7 && y < 5;
            const from = y * 7 + x;
            expect(mask.data[i]).toBe(isInside ? before.mask[from] : 1);
            const pixel = [...picture!.data.subarray(4 * i, 4 * i + 4)];
            expect(pixel).toEqual(isInside ? before.picture.slice(4 * from, 4 * from + 4) : [0, 0, 0, 0]);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a held key is one step, also where it comes back to where it began", () => {
    const workspace = opened();
    workspace.paint({ kind: "rectangle", from: { x: 1, y: 1 }, to: { x: 4, y: 3 } }, 1);
    workspace.endStep("paint");
    const before = state(workspace);
    const gesture = {};
    for (const left of [1, 2, 3]) workspace.extend({ left }, gesture);
    const after = state(workspace);
    expect(workspace.undo()).toBe("size of the canvas");
    expect(state(workspace)).toEqual(before);
    workspace.redo();
    expect(state(workspace)).toEqual(after);
    expect(workspace.extend({}, gesture)).toBe(true);
    expect(state(workspace)).toEqual(before);
    expect(workspace.undo()).toBe("paint");
    // With strokes in between they are two.
    workspace.extend({ top: 1 }, gesture);
    workspace.paint({ kind: "rectangle", from: { x: 0, y: 0 }, to: { x: 3, y: 3 } }, 0);
    workspace.endStep("paint");
    workspace.extend({ top: 2 }, gesture);
    workspace.undo();
    expect(workspace.sides.top).toBe(1);
  });

  test.each([
    [{}, /^extend: 0, 0, 0, 0 adds nothing/],
    [{ left: -1 }, /expected whole pixels from 0 on/],
    [{ top: 0.5 }, /expected whole pixels from 0 on/],
    [{ right: 2 ** 24 }, /^extend: the canvas would be 16777223×5, more than 67 megapixels: add less$/],
  ])("refuses %j, and nothing changes", (wanted, words) => {
    const workspace = opened();
    const before = state(workspace);
    expect(() => workspace.extend(wanted)).toThrow(InputError);
    expect(() => workspace.extend(wanted)).toThrow(words);
    expect([state(workspace), workspace.history.canUndo]).toEqual([before, false]);
  });

  test("nothing changes without a picture, nor while a run is under way", () => {
    expect(new Workspace().extend({ left: 1 })).toBe(false);
    const workspace = opened();
    workspace.lock(true);
    expect(workspace.extend({ left: 1 })).toBe(false);
  });
});
