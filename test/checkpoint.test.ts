/** Opening checkpoints: whose word wins, what contradicts, and files that hold something else. */
import { fileOf } from "./support/int8.ts";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CheckpointError, InputError } from "../src/errors.ts";
import { expectedTensors } from "../src/checkpoints/layers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { completeConfig, parseFlags } from "../src/checkpoints/flags.ts";
import { inferConfig, TensorMismatchError } from "../src/checkpoints/infer.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { bytesSource } from "../src/files/bytes.ts";

const goldens = new URL("goldens/unet/", import.meta.url);
const cases = JSON.parse(readFileSync(new URL("cases.json", goldens), "utf8"));
const golden = (name: string) => bytesSource(name, new Uint8Array(readFileSync(new URL(name, goldens))));
const shapesOf = (tensors: Map<string, readonly number[]>) =>
  new Map([...tensors].map(([name, shape]) => [name, { shape }]));

/** A file of the given tensors' names and shapes, with zeros. */
function zeros(tensors: Map<string, readonly number[]>, metadata?: Record<string, string>) {
  const entries = [...tensors].map(([name, shape]) => {
    return { name, dtype: "F16" as const, shape, data: new Uint16Array(shape.reduce((a, b) => a * b, 1)) };
  });
  return bytesSource("zeros.safetensors", writeSafetensors(entries, metadata));
}
async function mismatch(promise: Promise<unknown>): Promise<TensorMismatchError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TensorMismatchError);
  return error as TensorMismatchError;
}

const adm = expectedTensors(completeConfig(parseFlags(cases.adm.flags)));

test("given flags win over the file's", async () => {
  const metadata = {
    guided_diffusion_unet: JSON.stringify(cases.adm.flags),
    diffusion: '{"noise_schedule": "cosine"}',
  };
  const plain = await openCheckpoint(zeros(adm, metadata));
  expect(plain.config.numHeadChannels).toBe(32);
  expect(plain.diffusion).toMatchObject({ noiseSchedule: "cosine", diffusionSteps: 1000, learnSigma: true });
  const given = { num_heads: 8, use_new_attention_order: true, timestep_respacing: "250", diffusion_steps: 500 };
  const { config, diffusion } = await openCheckpoint(zeros(adm, metadata), given);
  expect(config).toMatchObject({ numHeads: 8, numHeadChannels: -1, useNewAttentionOrder: true, imageSize: 32 });
  expect(diffusion).toMatchObject({ noiseSchedule: "cosine", diffusionSteps: 500, timestepRespacing: "250" });
});

test("the scripts' vocabulary in metadata", async () => {
  const flags = {
    image_size: 32,
    num_channels: 32,
    attention_resolutions: "16",
    learn_sigma: true,
    num_heads: 2,
    channel_mult: "1,2",
  };
  const { config, assumed } = await openCheckpoint(zeros(adm, { flags: JSON.stringify(flags) }));
  expect(config).toMatchObject({ numHeads: 2, numHeadChannels: -1, attentionResolutions: [2], channelMult: [1, 2] });
  expect(assumed).toContain("noise_schedule linear");
  expect(assumed.join()).not.toMatch(/head/);
});

test("without flags, what is assumed is said", async () => {
  const { config, assumed } = await openCheckpoint(zeros(adm));
  expect(config).toMatchObject({ numHeadChannels: 64, useNewAttentionOrder: false, imageSize: 32 });
  expect(assumed).toEqual(
    expect.arrayContaining(["num_head_channels 64", "use_new_attention_order false", "image_size 32"]),
  );
});

test.each([
  [{ model_channels: 64 }, /model_channels 64 contradicts time_embed\.0\.weight \[128, 32\]/],
  [{ out_channels: 3 }, /out_channels 3 contradicts out\.2\.weight/],
  [{ num_classes: 10 }, /num_classes 10 contradicts the absence of label_emb\.weight/],
  [{ in_channels: 1 }, /in_channels 1 contradicts input_blocks\.0\.0\.weight/],
  [{ super_res: true }, /super_res true contradicts input_blocks\.0\.0\.weight/],
  [{ num_res_blocks: 2 }, /num_res_blocks 2 contradicts output_blocks\.1\.2\.in_layers\.2\.weight/],
  [{ resblock_updown: false }, /resblock_updown false contradicts output_blocks\.1\.2/],
  [{ channel_mult: [1, 3] }, /channel_mult \[1,3\] contradicts input_blocks\.3\.0/],
  [{ channel_mult: [1, 2, 2] }, /channel_mult \[1,2,2\] contradicts/],
  [
    { attention_resolutions: [1, 2] },
    /attention_resolutions \[1,2\] contradicts the absence of input_blocks\.1\.1\.qkv\.weight/,
  ],
  [{ attention_resolutions: [] }, /attention_resolutions \[\] contradicts input_blocks\.3\.1\.qkv\.weight/],
  [{ use_scale_shift_norm: false }, /use_scale_shift_norm false contradicts input_blocks\.1\.0\.emb_layers\.1\.weight/],
  [{ learn_sigma: false }, /learn_sigma false contradicts out\.2\.weight/],
  [{ num_heads: 3 }, /num_heads: expected a divisor of the 64 channels/],
  [{ image_size: 31 }, /image_size: expected a multiple of 2/],
])("%j contradicts the tensors", async (flags, message) => {
  const opened = openCheckpoint(zeros(adm), flags);
  await expect(opened).rejects.toThrow(message);
  await expect(opened).rejects.toBeInstanceOf(CheckpointError);
});

test("an intact file lists the contradiction alone", async () => {
  const error = await mismatch(openCheckpoint(zeros(adm), { model_channels: 64, num_res_blocks: 3 }));
  expect(error.problems.length).toBe(2);
});

test("conv_resample is told by absence", () => {
  const pool = expectedTensors({
    ...completeConfig(parseFlags(cases.adm.flags)),
    resblockUpdown: false,
    convResample: false,
  });
  expect(() => inferConfig(shapesOf(pool), { convResample: true })).toThrow(
    /conv_resample true contradicts the absence of input_blocks\.2/,
  );
});

test("broken metadata is the file's fault, broken flags the user's", async () => {
  const broken = openCheckpoint(zeros(adm, { guided_diffusion_unet: "{" }));
  await expect(broken).rejects.toThrow(/zeros\.safetensors: metadata "guided_diffusion_unet": expected JSON/);
  await expect(broken).rejects.toBeInstanceOf(CheckpointError);
  const given = openCheckpoint(zeros(adm), { num_head: 1 });
  await expect(given).rejects.toThrow(/"num_head" is not a flag.*near: num_head/);
  await expect(given).rejects.toBeInstanceOf(InputError);
  await expect(given).rejects.not.toBeInstanceOf(CheckpointError);
});

test("class_cond takes any number of classes, but needs some", async () => {
  const scripts = { class_cond: true, num_channels: 32, learn_sigma: true };
  const { config } = await openCheckpoint(golden("class-cond.weights.safetensors"), scripts);
  // The scripts' default number of heads does not hide what the file says of them.
  expect(config).toMatchObject({ numClasses: 10, numHeadChannels: 32 });
  await expect(openCheckpoint(golden("adm.weights.safetensors"), scripts)).rejects.toThrow(
    /class_cond true contradicts/,
  );
  const without = openCheckpoint(golden("class-cond.weights.safetensors"), { class_cond: false });
  await expect(without).rejects.toThrow(/num_classes null contradicts label_emb\.weight \[10, 128\]/);
});

test("long lists show 20 and count the rest", async () => {
  const adm = [...expectedTensors(completeConfig(parseFlags(cases.adm.flags)))];
  const error = await mismatch(openCheckpoint(zeros(new Map(adm.filter((_, i) => i % 3 !== 1))), cases.adm.flags));
  expect(error.problems.length).toBeGreaterThan(30);
  expect(error.message).toContain(`${error.problems.length - 20} more`);
  expect(error.message.split(";").length).toBe(21);
  expect(error.message).not.toContain("\n");
});

test("a type that is not read is said once", async () => {
  const tensors = [...expectedTensors(completeConfig(parseFlags(cases.adm.flags)))];
  const file = fileOf(
    tensors.map(([name, shape]) => {
      return { name, shape, dtype: "F8_E4M3", data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) };
    }),
  );
  await expect(openCheckpoint(bytesSource("fp8", file))).rejects.toThrow(
    /^fp8 does not fit its network in 1 place: time_embed\.0\.weight and 143 more: expected F32, F16, BF16, F64, got F8_E4M3 \(repaint convert --dtype f16 makes F16 of it\)$/,
  );
});

describe("a file that holds something else says what", () => {
  const file = (names: string[], metadata?: Record<string, string>) =>
    zeros(new Map(names.map((name) => [name, [2]])), metadata);
  test.each([
    [["time_embed.0.weight", "input_blocks.0.0.weight", "out.2.positional_embedding"], /a guided-diffusion classifier/],
    [["time_embed.0.weight", "input_blocks.0.0.weight", "out.0.weight"], /a guided-diffusion classifier/],
    [["conv_in.weight", "down_blocks.0.resnets.0.conv1.weight", "time_embedding.linear_1.weight"], /diffusers' layout/],
    [["conv_in.weight", "down.0.block.0.conv1.weight", "temb.dense.0.weight"], /DDPM and DDIM/],
    [["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.x"], /latent diffusion/],
    [["module.input_blocks.0.0.weight", "module.output_blocks.0.0.in_layers.0.weight"], /they are missing/],
    [["unet.down_blocks.0.attentions.0.to_q.lora_A.weight"], /a LoRA, which changes another network; merge it/],
    [["encoder.conv_in.weight", "quant_conv.weight"], /a VAE/],
    [["all_modules.0.W", "sigmas"], /score_sde/],
    [["enc.64x64_conv.weight", "map_layer0.weight"], /EDM/],
    [["ema_model.model.init_conv.weight", "ema_model.model.downs.0.0.block1.proj.weight"], /lucidrains/],
    [[], /empty file/],
    [["fc.weight", "fc.bias"], /something else: its tensors are "fc\.weight", "fc\.bias"/],
  ])("%j", async (names, message) => {
    await expect(openCheckpoint(file(names))).rejects.toThrow(message);
    await expect(openCheckpoint(file(names))).rejects.toBeInstanceOf(CheckpointError);
  });

  test("names of several lines do not make several lines", async () => {
    await expect(openCheckpoint(file(["a\nb"]))).rejects.toThrow(/^[^\n]+$/);
    await expect(
      openCheckpoint(file(["output_blocks.0.0.in_layers.0.weight", "module.time_embed.\n"])),
    ).rejects.toThrow(/^[^\n]+$/);
    const adm = expectedTensors(completeConfig(parseFlags(cases.adm.flags)));
    await expect(openCheckpoint(zeros(adm.set("a\nb", [1])))).rejects.toThrow(/unexpected "a\\nb" \[1\]/);
  });

  test("a classifier by its metadata, and a trace", async () => {
    await expect(openCheckpoint(file(["a"], { guided_diffusion_classifier: "{}" }))).rejects.toThrow(/classifier/);
    await expect(openCheckpoint(golden("adm.io.safetensors"))).rejects.toThrow(/inputs or outputs/);
  });
});
