/** Attributes of the element: what their text means, and what is said of text that means nothing. */
import { describe, expect, test } from "vitest";
import { readSettings, settingsOf } from "../src/element/ui/attributes.ts";
import { InputError } from "../src/errors.ts";
import { PRESETS } from "../src/repaint/sampling.ts";

describe("an attribute's text", () => {
  test.each([
    ["preset", "paper", { sampling: PRESETS.paper }],
    ["seed", "18446744073709551615", { seed: 2n ** 64n - 1n }],
    ["variations", "64", { count: 64 }],
    ["precision", "f16", { precision: "f16" }],
    ["detail", "auto", { detail: "auto" }],
    ["class-label", "0", { class: 0 }],
    ["classifier-scale", "2.5", { classifierScale: 2.5 }],
    ["previews", "off", { previewSeconds: 0 }],
    ["previews", "0.25", { previewSeconds: 0.25 }],
  ] as const)("%s = %s", (name, text, settings) => {
    expect(settingsOf[name]!(text)).toEqual(settings);
  });

  test.each([
    ["preset", "toString", /^preset: expected fast, balanced, paper, got "toString"$/],
    ["preset", "", /got ""$/],
    ["seed", "-1", /^seed: expected 0 to 2\^64 - 1/],
    ["seed", "18446744073709551616", /^seed/],
    ["seed", "0x10", /^seed/],
    ["variations", "0", /^variations: expected a whole number from 1 to 64, got "0"$/],
    ["variations", "1e1", /^variations/],
    ["precision", "f64", /^precision: expected f32 or f16/],
    ["detail", "fine", /^detail: expected model, auto, full, got "fine"$/],
    ["class-label", "cat", /^class-label/],
    ["classifier-scale", "much", /^classifier-scale: expected a number, got "much"$/],
    ["classifier-scale", "", /got ""$/],
    ["previews", "", /^previews: expected seconds or off/],
    ["previews", "Infinity", /^previews/],
    ["previews", "-1", /^previews/],
  ] as const)("%s = %j is none", (name, text, message) => {
    const read = () => settingsOf[name]!(text);
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });
});

describe("settings by property", () => {
  test("are checked as attributes are", () => {
    const all = { sampling: PRESETS.fast, seed: 5n, count: 2, precision: "f16", class: 3, previewSeconds: 0 } as const;
    expect(readSettings(all)).toEqual(all);
    expect(readSettings({ sampling: "paper", seed: 5 })).toEqual({ sampling: PRESETS.paper, seed: 5n });
    // As `settings` gives them, to be set again with a change.
    expect(readSettings({ ...all, class: undefined })).toHaveProperty("class", undefined);
    expect(readSettings({ count: undefined, seed: undefined })).toEqual({});
    const wrong: [unknown, RegExp][] = [
      [null, /^settings: expected an object, got "null"$/],
      ["fast", /^settings: expected an object, got "fast"$/],
      [{ seed: "5" }, /^seed: expected a bigint or a number, got "string 5"$/],
      [{ seed: 1.5 }, /^seed: expected 0 to 2\^64 - 1, got "1.5"$/],
      [{ sampling: "slow" }, /^preset: expected one of fast, balanced, paper/],
      [{ seed: -1n }, /^seed/],
      [{ count: 1.5 }, /^variations: expected a whole number/],
      [{ previewSeconds: NaN }, /^previews/],
      [
        { sampling: { sampler: "repaint", steps: 0, jumpLength: 1, resamples: 1 } },
        /^steps must be a positive integer/,
      ],
      [{ speed: 9 }, /^settings: expected sampling, seed/],
    ];
    for (const [change, message] of wrong) {
      expect(() => readSettings(change as object), String(message)).toThrow(InputError);
      expect(() => readSettings(change as object)).toThrow(message);
    }
  });
});
