/** Architectures as data: what cannot be built, and the released networks' sizes to the last parameter. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { type Architecture, type Block, buildArchitecture } from "../src/checkpoints/architecture.ts";
import { countMacs, countParameters, expectedTensors } from "../src/checkpoints/layers.ts";
import { checkConfig, type UNetConfig } from "../src/checkpoints/config.ts";
import { completeConfig, parseFlags } from "../src/checkpoints/flags.ts";

const cases = JSON.parse(readFileSync(new URL("goldens/unet/cases.json", import.meta.url), "utf8"));
const adm: UNetConfig = completeConfig(parseFlags(cases.adm.flags));

const allBlocks = ({ input, middle, output }: Architecture): Block[] => [
  ...input.flat(),
  ...middle,
  ...output.flatMap(({ blocks }) => blocks),
];

const common = {
  attention_resolutions: "32,16,8",
  diffusion_steps: 1000,
  learn_sigma: true,
  noise_schedule: "linear",
  num_channels: 256,
  num_head_channels: 64,
  num_res_blocks: 2,
  resblock_updown: true,
  use_fp16: true,
  use_scale_shift_norm: true,
};
const { num_head_channels, ...withoutHeads } = common;
const small = { num_channels: 192, num_res_blocks: 3, use_new_attention_order: true, noise_schedule: "cosine" };

/** The released checkpoints: millions of parameters as printed, GMAC of a forward at the image size. */
const released: [name: string, flags: object, parameters: string, gmac: number][] = [
  ["64x64_diffusion", { ...common, ...small, image_size: 64, class_cond: true }, "295.9", 110],
  ["128x128_diffusion", { ...withoutHeads, image_size: 128, num_heads: 4, class_cond: true }, "421.5", 307],
  ["256x256_diffusion", { ...common, image_size: 256, class_cond: true }, "553.8", 1120],
  ["256x256_diffusion_uncond", { ...common, image_size: 256, class_cond: false }, "552.8", 1120],
  ["512x512_diffusion", { ...common, image_size: 512, class_cond: true }, "559.0", 1982],
  [
    "64_256_upsampler",
    { ...withoutHeads, num_channels: 192, num_heads: 4, class_cond: true, large_size: 256, small_size: 64 },
    "311.8",
    632,
  ],
  [
    "128_512_upsampler",
    {
      ...common,
      num_channels: 192,
      attention_resolutions: "32,16",
      class_cond: true,
      large_size: 512,
      small_size: 128,
    },
    "308.8",
    2505,
  ],
];

test.each(released)("%s has its parameters and multiply-adds", (_, flags, parameters, gmac) => {
  const config = completeConfig(parseFlags(flags));
  expect((countParameters(buildArchitecture(config)) / 1e6).toFixed(1)).toBe(parameters);
  expect(Math.round(countMacs(buildArchitecture(config), config.imageSize, config.imageSize) / 1e9)).toBe(gmac);
});

test("two of them are known to the last parameter", () => {
  expect(countParameters(buildArchitecture(completeConfig(parseFlags(released[0]![1]))))).toBe(295_904_454);
  expect(countParameters(buildArchitecture(completeConfig(parseFlags(released[3]![1]))))).toBe(552_814_086);
});

test("multiply-adds of a golden, counted by hand at 32×16", () => {
  const [full, half] = [32 * 16, 16 * 8];
  const res = (i: number, o: number, pixels: number) =>
    9 * (i + o) * o * pixels + (i === o ? 0 : i * o * pixels) + 256 * o;
  const attention = 4 * 64 * 64 * half + 2 * 64 * half * half;
  const down = 9 * 3 * 32 * full + res(32, 32, full) + res(32, 32, half) + res(32, 64, half) + attention;
  const middle = 2 * res(64, 64, half) + attention;
  const up =
    res(128, 64, half) + res(96, 64, half) + 2 * attention + res(64, 64, full) + res(96, 32, full) + res(64, 32, full);
  const embedding = 128 * 32 + 128 * 128;
  expect(countMacs(buildArchitecture(adm), 32, 16)).toBe(embedding + down + middle + up + 9 * 32 * 6 * full);
  expect(() => countMacs(buildArchitecture(adm), 31, 16)).toThrow(/multiples of 2, got 16×31/);
});

describe("architecture", () => {
  test("every pushed skip is popped by a block as wide, and channels chain", () => {
    const widths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        widths,
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.boolean(),
        (channelMult, n, updown, conv) => {
          const shape = { channelMult, numResBlocks: n, resblockUpdown: updown, convResample: conv, imageSize: 2048 };
          const { input, middle, output, outChannelsIn } = buildArchitecture({
            ...adm,
            ...shape,
            attentionResolutions: [1, 4, 32],
          });
          const skips: number[] = [];
          let channels = 3;
          const run = (blocks: readonly Block[]) => {
            for (const block of blocks) {
              const into = "in" in block ? block.in : block.channels;
              expect(into, block.name).toBe(channels);
              channels = "out" in block ? block.out : block.channels;
            }
          };
          for (const blocks of input) {
            run(blocks);
            skips.push(channels);
          }
          run(middle);
          for (const { blocks, skipChannels } of output) {
            expect(skips.pop()).toBe(skipChannels);
            channels += skipChannels;
            run(blocks);
          }
          expect(skips).toEqual([]);
          expect(channels).toBe(outChannelsIn);
          expect(input.length).toBe(1 + channelMult.length * n + channelMult.length - 1);
          expect(output.length).toBe(channelMult.length * (n + 1));
        },
      ),
      { seed: 1 },
    );
  });

  test("heads differ in the output blocks, and a head width overrides both", () => {
    const heads = (config: UNetConfig) =>
      allBlocks(buildArchitecture(config)).flatMap((block) => (block.kind === "attention" ? [block.heads] : []));
    const counted = { ...adm, numHeadChannels: -1, numHeads: 2, numHeadsUpsample: 8 };
    expect(heads(counted)).toEqual([2, 2, 8, 8]);
    expect(heads({ ...counted, numHeadsUpsample: -1 })).toEqual([2, 2, 2, 2]);
    expect(heads({ ...counted, numHeadChannels: 16 })).toEqual([4, 4, 4, 4]);
  });

  test("int(mult · channels) truncates, as Python does", () => {
    const widths = expectedTensors({ ...adm, modelChannels: 256, channelMult: [0.5, 0.3755], imageSize: 64 });
    expect(widths.get("input_blocks.0.0.weight")).toEqual([128, 3, 3, 3]);
    expect(widths.get("time_embed.0.weight")).toEqual([1024, 256]);
    expect(widths.get("input_blocks.3.0.out_layers.3.weight")).toEqual([96, 96, 3, 3]);
  });
});

test.each([
  [
    { modelChannels: 48 },
    /channel_mult 1 × model_channels 48: expected a multiple of 32 channels \(GroupNorm32\), got 48/,
  ],
  [{ channelMult: [1, 1.2] }, /channel_mult 1.2 × model_channels 32.*got 38/],
  [{ channelMult: [] }, /channel_mult/],
  [{ channelMult: [1, NaN] }, /channel_mult/],
  [{ modelChannels: 33, channelMult: [32 / 33] }, /model_channels: expected an even number/],
  [{ numHeadChannels: 48 }, /num_head_channels: expected a divisor of the 64 channels that attend, got 48/],
  [{ numHeadChannels: -1, numHeads: 3 }, /num_heads: expected a divisor/],
  [{ numHeadChannels: -1, numHeads: 2, numHeadsUpsample: 5 }, /num_heads_upsample: expected a divisor/],
  [{ imageSize: 33 }, /image_size: expected a multiple of 2/],
  [{ inChannels: 0, outChannels: 1.5 }, /in_channels.*out_channels/],
  [{ attentionResolutions: [-1] }, /attention_resolutions/],
] as [Partial<UNetConfig>, RegExp][])("a network of %j cannot be built", (change, message) => {
  expect(() => checkConfig({ ...adm, ...change })).toThrow(InputError);
  expect(() => checkConfig({ ...adm, ...change })).toThrow(message);
});
