/** The element's pure arithmetic: where the picture stands, how a schedule is drawn, how numbers are said. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plotSampling } from "../src/element/ui/samplingPlot.ts";
import { fit, panned, showing, toPicture, toStage, zoomAt } from "../src/element/ui/viewport.ts";
import { keyWords } from "../src/element/ui/commands.ts";
import { thumbnail } from "../src/element/ui/thumbnail.ts";
import { byteWords, durationWords } from "../src/element/ui/words.ts";
import { PRESETS, samplingCalls } from "../src/repaint/sampling.ts";
import { scheduleTimes } from "../src/repaint/schedule.ts";

const size = (least: number) => fc.record({ width: fc.integer({ min: least, max: 5000 }), height: fc.integer({ min: least, max: 5000 }) }); // prettier-ignore

describe("the view", () => {
  test("a fitted picture is whole, in the middle, and as large as it can be", () => {
    fc.assert(
      fc.property(size(1), size(100), (picture, stage) => {
        const { scale, x, y } = fit(picture, stage, 10);
        const [right, bottom] = [x + picture.width * scale, y + picture.height * scale];
        expect(x).toBeGreaterThan(9.99);
        expect(y).toBeGreaterThan(9.99);
        expect(x - (stage.width - right)).toBeCloseTo(0, 6);
        expect(y - (stage.height - bottom)).toBeCloseTo(0, 6);
        expect(scale === 48 || Math.min(x, y) < 10.01).toBe(true);
      }),
    );
  });

  test("zooming keeps what is under the pointer, until an edge or a limit holds it", () => {
    const [picture, stage] = [{ width: 600, height: 400 }, { width: 800, height: 600 }]; // prettier-ignore
    let view = fit(picture, stage, 0);
    const at = { x: 300, y: 250 };
    const pixel = toPicture(view, at);
    for (const factor of [1.5, 1.5, 2, 0.7, 1.3]) {
      view = zoomAt(view, at, factor, picture, stage);
      expect(toPicture(view, at).x).toBeCloseTo(pixel.x, 6);
      expect(toPicture(view, at).y).toBeCloseTo(pixel.y, 6);
    }
    expect(zoomAt(view, at, 1e9, picture, stage).scale).toBe(48);
    const far = panned(view, { x: -1e6, y: 1e6 }, picture, stage);
    expect(far.x + picture.width * far.scale).toBeCloseTo(48, 6);
    expect(far.y).toBeCloseTo(600 - 48, 6);
  });

  test("what must be shown is brought in, and no further", () => {
    const stage = { width: 300, height: 200 };
    const view = { scale: 4, x: 0, y: 0 };
    expect(showing(view, { x: 30, y: 20 }, stage, 24)).toEqual(view);
    expect(toStage(showing(view, { x: 100, y: 20 }, stage, 24), { x: 100, y: 20 }).x).toBe(276);
  });
});

describe("the plot of a run", () => {
  const repaint = { sampler: "repaint", steps: 25, jumpLength: 5, resamples: 5 } as const;

  test.each([repaint, { ...repaint, steps: 100, jumpLength: 10 }, PRESETS.paper])(
    "%j: as many calls as it runs, turning where it turns",
    (sampling) => {
      const plot = plotSampling(sampling, 100, 50);
      const times = scheduleTimes(sampling);
      const falls = times.filter((time, i) => i > 0 && time < times[i - 1]!);
      expect(plot.modelCalls).toBe(falls.length);
      expect(plot.at(0)).toEqual({ x: 0, y: 0 });
      expect(plot.at(falls.length)).toEqual({ x: 100, y: 50 });
      for (const calls of [1, 7, falls.length >> 1])
        expect(plot.at(calls).y).toBeCloseTo(50 * (1 - (falls[calls - 1]! + 1) / sampling.steps), 9);
      expect(plot.path).toMatch(/^M0\.00 0\.00L/);
      expect(plot.path).toMatch(/L100\.00 50\.00$/);
      expect(plot.path.length).toBeLessThan(20_000);
    },
  );

  test.each([
    PRESETS.fast,
    PRESETS.balanced,
    { ...PRESETS.fast, still: 3 },
    { sampler: "langevin", levels: 3, inner: 0 },
  ] as const)("%j: a stair with as many calls as it runs", (sampling) => {
    const plot = plotSampling(sampling, 100, 50);
    expect(plot.modelCalls).toBe(samplingCalls(sampling));
    expect([plot.at(0), plot.at(plot.modelCalls)]).toEqual([
      { x: 0, y: 0 },
      { x: 100, y: 50 },
    ]);
    // Inner steps stay at their level; the call after them leads to the next.
    const { levels, inner } = sampling;
    expect(plot.at(inner).y).toBe(0);
    expect(plot.at(inner + 1).y).toBeCloseTo(50 / levels, 9);
  });

  test("starting late to resample is seen in it", () => {
    const calls = (startResampling: number) => plotSampling({ ...repaint, startResampling }, 1, 1).modelCalls;
    expect(calls(5)).toBeLessThan(calls(25));
  });
});

test("words for numbers", () => {
  expect([0.2, 4.4, 59.4, 59.6, 90, 290, 600, 3600, 4230].map(durationWords)).toEqual([
    "less than 1 s",
    "4 s",
    "59 s",
    "1 min",
    "1 min 30 s",
    "4 min 50 s",
    "10 min",
    "1 h",
    "1 h 11 min",
  ]);
  expect([12, 999, 4_721_428, 999_999, 2.2e9].map(byteWords)).toEqual(["12 B", "999 B", "4.7 MB", "1.0 MB", "2.2 GB"]);
});

test("words for keys", () => {
  const words = (isMac: boolean) => ["b", "+", "-", "Delete", "Mod+Shift+z"].map((key) => keyWords(key, isMac));
  expect(words(false)).toEqual(["B", "+", "-", "Delete", "Ctrl Shift Z"]);
  expect(words(true).at(-1)).toBe("⌘ Shift Z");
});

test("a thumbnail is the middle square with the result in it", () => {
  const plain = (width: number, height: number, value: number) => ({ width, height, data: new Uint8ClampedArray(4 * width * height).fill(value) }); // prettier-ignore
  const picture = plain(12, 6, 255);
  const patch = { x: 6, y: 0, patch: { ...plain(6, 3, 0), data: plain(6, 3, 0).data.map((_, i) => (i % 4 === 3 ? 255 : 90)) } }; // prettier-ignore
  const red = Array.from({ length: 4 }, (_, i) => thumbnail(picture, patch, 2).data[4 * i]);
  expect(red).toEqual([255, 90, 255, 255]);
});
