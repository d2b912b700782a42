/** Flags in both of guided-diffusion's vocabularies, and everything that is refused. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { withHeads } from "../src/checkpoints/checkpoint.ts";
import { completeConfig, mergeFlags, parseFlags } from "../src/checkpoints/flags.ts";

const cases = JSON.parse(readFileSync(new URL("goldens/unet/cases.json", import.meta.url), "utf8"));

test("the two vocabularies say the same", () => {
  const constructor = { ...cases.adm.flags, dropout: 0.1, use_checkpoint: true, use_fp16: false, dims: 2 };
  const scripts = {
    image_size: 32,
    num_channels: 32,
    num_res_blocks: 1,
    num_head_channels: 32,
    num_heads: 1,
    attention_resolutions: "16",
    channel_mult: "1,2",
    learn_sigma: true,
    class_cond: false,
    resblock_updown: true,
  };
  expect(completeConfig(parseFlags(scripts))).toEqual(completeConfig(parseFlags(constructor)));
});

test("sizes become factors by the image size; those above it are never reached", () => {
  const factors = (flags: object) => parseFlags(flags).unet.attentionResolutions;
  expect(factors({ image_size: 256, attention_resolutions: "32,16,8" })).toEqual([8, 16, 32]);
  expect(factors({ attention_resolutions: "32,16,8", image_size: 16 })).toEqual([1, 2]);
  expect(factors({ large_size: 512, attention_resolutions: " 32, 16" })).toEqual([16, 32]);
  expect(factors({ image_size: 64, attention_resolutions: 16 })).toEqual([4]);
  expect(() => factors({ attention_resolutions: "32" })).toThrow(/attention_resolutions: expected image_size/);
  expect(factors({ attention_resolutions: [4, 2, 4] })).toEqual([2, 4]);
});

test("an empty channel_mult is the image size's own list", () => {
  const mult = (flags: object) => parseFlags(flags).unet.channelMult;
  expect(mult({ image_size: 512, channel_mult: "" })).toEqual([0.5, 1, 1, 2, 2, 4, 4]);
  expect(mult({ large_size: 512, channel_mult: "" })).toEqual([1, 1, 2, 2, 4, 4]);
  expect(mult({ image_size: 48, channel_mult: "" })).toBeUndefined();
  expect(mult({ channel_mult: "0.5,1" })).toEqual([0.5, 1]);
  expect(() => completeConfig(parseFlags({ image_size: 48, num_channels: 32 }))).toThrow(/no channel_mult/);
});

test("diffusion settings stand beside either vocabulary", () => {
  const settings = {
    noise_schedule: "cosine",
    timestep_respacing: 250,
    predict_xstart: true,
    use_kl: true,
    sigma_small: true,
  };
  const read = {
    noiseSchedule: "cosine",
    timestepRespacing: "250",
    predictXstart: true,
    useKl: true,
    sigmaSmall: true,
  };
  expect(parseFlags(settings)).toMatchObject({ vocabulary: "either", diffusion: read });
  expect(parseFlags({ ...settings, model_channels: 32 }).diffusion).toEqual(read);
  expect(parseFlags({ ...settings, num_channels: 32 }).diffusion).toEqual(read);
  for (const timestep_respacing of ["", "10,15,20", "ddim50"]) {
    expect(parseFlags({ timestep_respacing }).diffusion.timestepRespacing).toBe(timestep_respacing);
  }
});

test("class_cond means ImageNet's classes unless num_classes says otherwise", () => {
  const classes = (flags: object) =>
    completeConfig(parseFlags({ image_size: 64, num_channels: 64, ...flags })).numClasses;
  expect([classes({ class_cond: true }), classes({ class_cond: false }), classes({})]).toEqual([1000, null, null]);
  expect(classes({ class_cond: true, num_classes: 10 })).toBe(10);
  expect(() => classes({ class_cond: false, num_classes: 10 })).toThrow(/class_cond false: expected no num_classes/);
});

test("a described network without heads has its vocabulary's", () => {
  const heads = (flags: object) => withHeads(parseFlags(flags)).numHeads;
  expect(heads({ num_channels: 64 })).toBe(4);
  expect(heads({ model_channels: 64 })).toBe(1);
  expect(heads({ num_channels: 64, num_head_channels: 32 })).toBeUndefined();
  expect(heads({ image_size: 64 })).toBeUndefined();
});

test("flags laid over others: a number of heads hides a head width below it", () => {
  const file = parseFlags({ num_heads: 4, num_head_channels: 64, diffusion_steps: 4000 });
  expect(mergeFlags(parseFlags({ num_heads: 2 }), file).unet).toMatchObject({ numHeads: 2, numHeadChannels: -1 });
  expect(mergeFlags(parseFlags({ image_size: 8 }), file).unet).toMatchObject({ numHeads: 4, numHeadChannels: 64 });
});

test.each([
  [{ num_chanels: 64 }, /"num_chanels" is not a flag.*near: num_channels/],
  [{ zzz: 1 }, /"zzz" is not a flag of guided-diffusion's networks$/],
  [JSON.parse('{"__proto__": 1}'), /"__proto__" is not a flag/],
  [{ constructor: 1 }, /"constructor" is not a flag/],
  [
    { model_channels: 64, class_cond: true },
    /one vocabulary, got model_channels: 64 .*constructor.* beside class_cond: true/,
  ],
  [{ num_channels: 64, attention_resolutions: [16] }, /one vocabulary/],
  [{ image_size: 64, large_size: 256 }, /large_size alone/],
  [{ dims: 3 }, /dims: expected 2 \(only networks for images/],
  [{ num_heads: 0 }, /num_heads: expected a whole number from 1/],
  [{ num_heads: 1.5 }, /num_heads/],
  [{ num_heads: "4" }, /num_heads: .* got "4"/],
  [{ num_head_channels: -2 }, /num_head_channels/],
  [{ num_res_blocks: 1e9 }, /num_res_blocks/],
  [{ resblock_updown: "True" }, /resblock_updown: expected true or false, got "True"/],
  [{ noise_schedule: "sqrt" }, /noise_schedule: expected "linear" or "cosine", got "sqrt"/],
  [{ timestep_respacing: "ddim" }, /timestep_respacing/],
  [{ timestep_respacing: "10,,5" }, /timestep_respacing/],
  [{ channel_mult: [] }, /channel_mult/],
  [{ channel_mult: [1, null] }, /channel_mult/],
  [{ channel_mult: "1;2" }, /channel_mult/],
  [{ attention_resolutions: ["16"] }, /attention_resolutions/],
  [{ dropout: 2 }, /dropout/],
  [{ num_classes: 0 }, /num_classes/],
  [null, /expected a JSON object/],
  [[1], /expected a JSON object/],
  ["{}", /expected a JSON object/],
])("%j is refused", (flags, message) => {
  expect(() => parseFlags(flags)).toThrow(InputError);
  expect(() => parseFlags(flags)).toThrow(message);
});

test("all problems at once, on one line", () => {
  const flags = { num_heads: 0, use_fp16: 1, nose_schedule: "linear", attention_resolutions: "a" };
  expect(() => parseFlags(flags)).toThrow(/num_heads.*; use_fp16.*; "nose_schedule".*; attention_resolutions/);
});

test("any JSON is flags or an InputError", () => {
  const names = fc.constantFrom(
    ...Object.keys(cases.adm.flags),
    "num_channels",
    "class_cond",
    "diffusion_steps",
    "timestep_respacing",
    "large_size",
    "channel_mult",
    "x",
  );
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(names, fc.jsonValue()), fc.jsonValue()), (json) => {
      try {
        parseFlags(json);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).not.toContain("\n");
      }
    }),
    { numRuns: 1000, seed: 4 },
  );
});

test("a constructor's description must be whole", () => {
  expect(() => completeConfig(parseFlags({ model_channels: 32 }))).toThrow(
    /no image_size, in_channels, out_channels, num_res_blocks/,
  );
});
