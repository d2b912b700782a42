/**
 * UNet2DModel's checkpoints: a golden network under diffusers' names, and the google/ddpm-* details against a float64
 * twin.
 */
import { describe, expect, it } from "vitest";
import { readFloats } from "../src/engine/readback.ts";
import { type Architecture } from "../src/checkpoints/architecture.ts";
import { tensorsOf } from "../src/checkpoints/layers.ts";
import { schedulerSettings } from "../src/checkpoints/diffusers/scheduler.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { diffusersArchitecture } from "../src/checkpoints/diffusers/config.ts";
import { fromNhwc, toNhwc } from "../src/unet/layout.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { UNet } from "../src/unet/unet.ts";
import { goldenCheckpoint, goldenTensors, relativeError, shapeOf, tensor } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { underDiffusersNames, type Tensors } from "./support/diffusersNames.ts";
import { values } from "./support/random.ts";
import { wholeNetwork, type StateDict } from "./twins/wholeNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";
import { quantized } from "./support/int8.ts";

const device = await gpuDevice();

async function load(tensors: Tensors, config: unknown): Promise<UNet> {
  const file = writeSafetensors(
    [...tensors].map(([name, { shape, data }]) => ({ name, shape, dtype: "F32" as const, data })),
  );
  return UNet.load(device, await openCheckpoint(bytesSource("diffusers", file), config));
}

async function forward(
  unet: UNet,
  x: Float32Array,
  t: readonly number[],
  [batch, channels, height, width]: readonly number[],
) {
  const session = await unet.session({ batch: batch!, height: height!, width: width! });
  device.upload(session.x, 0, toNhwc(x, { batch: batch!, channels: channels!, height: height!, width: width! }));
  const table = await unet.embed(t, unet.checkpoint.config.numClasses === null ? undefined : t.map(() => 1));
  session.submit(
    table,
    t.map((_, n) => n),
  );
  const shape = { batch: batch!, channels: unet.checkpoint.config.outChannels, height: height!, width: width! };
  const out = fromNhwc(await readFloats(device, session.out), shape);
  table.dispose();
  session.dispose();
  return out;
}

const admLike = {
  _class_name: "UNet2DModel",
  sample_size: 32,
  in_channels: 3,
  out_channels: 6,
  layers_per_block: 1,
  block_out_channels: [32, 64],
  attention_head_dim: 32,
  resnet_time_scale_shift: "scale_shift",
  down_block_types: ["ResnetDownsampleBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "ResnetUpsampleBlock2D"],
  upsample_type: "resnet",
};

describe("UNet2DModel", () => {
  it.each([false, true])(
    "gives a golden network's output under its own names (older names of attention: %s)",
    async (old) => {
      const checkpoint = await goldenCheckpoint("unet/adm.weights.safetensors");
      const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
      for (const [name, { shape }] of checkpoint.file.tensors)
        state.set(name, { shape, data: await tensor(checkpoint.file, name) });
      const unet = await load(underDiffusersNames(state, 1, { heads: 2, old }), admLike);
      const io = await goldenTensors("unet/adm.io.safetensors");
      const out = await forward(unet, await tensor(io, "x"), [...(await tensor(io, "t"))], shapeOf(io, "x"));
      unet.dispose();
      expect(relativeError(out, await tensor(io, "out"))).toBeLessThanOrEqual(5e-5);
    },
  );

  it("in int8 has q, k and v as one matrix with the scales of all three", async () => {
    const checkpoint = await goldenCheckpoint("unet/adm.weights.safetensors");
    const state = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [name, { shape }] of checkpoint.file.tensors)
      state.set(name, { shape, data: await tensor(checkpoint.file, name) });
    const tensors = [...underDiffusersNames(state, 1, { heads: 2 })].map(([name, more]) => ({
      name,
      dtype: "F32" as const,
      ...more,
    }));
    const plain = await openTensors(bytesSource("plain", writeSafetensors(tensors)));
    const int8 = await openCheckpoint(bytesSource("int8", await quantized(plain)), admLike);
    const whole = await openCheckpoint(bytesSource("plain", writeSafetensors(tensors)), admLike);
    for (const name of whole.file.tensors.keys()) {
      const error = relativeError(await tensor(int8.file, name), await tensor(whole.file, name));
      expect([name, error < 0.02]).toEqual([name, true]);
    }
  });

  const ddpm = {
    _class_name: "UNet2DModel",
    sample_size: 16,
    in_channels: 3,
    out_channels: 3,
    layers_per_block: 2,
    block_out_channels: [32, 32, 64],
    attention_head_dim: null,
    norm_eps: 1e-6,
    freq_shift: 1,
    flip_sin_to_cos: false,
    downsample_padding: 0,
    norm_num_groups: 32,
    mid_block_scale_factor: 1,
    center_input_sample: false,
    act_fn: "silu",
    down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
  };
  const groupsOf = (config: object) =>
    "attn_norm_num_groups" in config ? { middleGroups: config.attn_norm_num_groups as number } : {};
  it.each([
    ["the shape of google/ddpm-*", ddpm],
    [
      "attention on one side only, other groups, classes",
      { ...ddpm, norm_num_groups: 8, num_class_embeds: 3, up_block_types: ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D"] },
    ],
    ["groups of its own in the middle's attention", { ...ddpm, attn_norm_num_groups: 4 }],
    ["no attention in the middle, padding on both sides", { ...ddpm, add_attention: false, downsample_padding: 1 }],
  ])("%s equals the float64 twin", async (_, config) => {
    const architecture: Architecture = diffusersArchitecture(config);
    const state: StateDict = new Map(
      [...tensorsOf(architecture)].map(([name, shape], index) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const [mean, deviation] =
          shape.length > 1 ? [0, Math.sqrt(shape[0]! / length)] : [name.endsWith("weight") ? 1 : 0, 0.2];
        return [name, { shape, data: Float32Array.from(values(length, 300 + index, { mean, deviation })) }];
      }),
    );
    const unet = await load(underDiffusersNames(state, config.layers_per_block), config);
    const [height, width] = [8, 12];
    const x = Float32Array.from(values(3 * height * width, 3));
    const out = await forward(unet, x, [417], [1, 3, height, width]);
    const planes = [0, 1, 2].map((c) => Float64Array.from(x.subarray(c * height * width, (c + 1) * height * width)));
    const y = unet.checkpoint.config.numClasses === null ? undefined : 1;
    const expected = wholeNetwork(
      state,
      architecture.config,
      { x: { planes, height, width }, t: 417, y },
      { middleGroups: architecture.details.normGroups, ...architecture.details, ...groupsOf(config) },
    );
    unet.dispose();
    expect(
      relativeError(
        out,
        expected.planes.flatMap((plane) => [...plane]),
      ),
    ).toBeLessThanOrEqual(1e-5);
  });

  it("names fields that it does not know, of the network and of the scheduler", () => {
    const refused = (json: object, message: RegExp) =>
      expect(() => diffusersArchitecture({ ...ddpm, ...json })).toThrow(message);
    refused({ attn_norm_num_groups: 48 }, /attn_norm_num_groups: expected a divisor of 64, got 48/);
    refused({ attn_norm_num_groups: "8" }, /attn_norm_num_groups: expected a whole number ≥ 1 or null, got "8"/);
    refused({ time_embedding_dim: 64 }, /time_embedding_dim: expected 128 \(others are not supported\), got 64/);
    refused({ mid_block_type: null }, /mid_block_type: expected "UNetMidBlock2D", got null/);
    refused({ mid_block_type: "UNetMidBlock2DCrossAttn" }, /mid_block_type: expected "UNetMidBlock2D"/);
    refused({ dual_norm: true }, /dual_norm: is no field of UNet2DModel that is known here; if it changes nothing/);
    refused({ prediction_type: "v_prediction" }, /prediction_type: is the scheduler's; give it within "scheduler_conf/);
    const harmless = { decay: 0.9999, use_ema_warmup: true, dropout: 0.1, _name_or_path: "x", newer: null };
    expect(diffusersArchitecture({ ...ddpm, ...harmless })).toEqual(diffusersArchitecture(ddpm));
  });

  it("obeys its scheduler, or refuses it", () => {
    const scheduler = { num_train_timesteps: 1000, beta_schedule: "squaredcos_cap_v2", prediction_type: "sample" };
    expect(schedulerSettings({ ...scheduler, variance_type: "fixed_large" })).toEqual({
      diffusionSteps: 1000,
      noiseSchedule: "cosine",
      predictXstart: true,
      sigmaSmall: false,
    });
    const linear = {
      beta_schedule: "linear",
      beta_start: 1e-4,
      beta_end: 0.02,
      clip_sample: true,
      trained_betas: null,
    };
    expect(schedulerSettings(linear)).toMatchObject({
      noiseSchedule: "linear",
      predictXstart: false,
      sigmaSmall: true,
    });
    expect(schedulerSettings({ ...scheduler, prediction_type: "v_prediction" })).toMatchObject({ predictV: true });
    const refusals: [object, RegExp][] = [
      [{ ...scheduler, prediction_type: "flow" }, /expected "epsilon" or "sample" or "v_prediction", got "flow"/],
      [{ ...linear, beta_end: 0.012 }, /beta_end: expected 0\.02, got 0\.012/],
      [{ ...linear, num_train_timesteps: 500 }, /beta_start: expected 0\.0002, got 0\.0001; beta_end: expected 0\.04/],
      [
        { beta_schedule: "scaled_linear" },
        /beta_schedule: expected "linear" or "squaredcos_cap_v2", got "scaled_linear"/,
      ],
      [
        { ...linear, _class_name: "FlowMatchEulerDiscreteScheduler" },
        /_class_name: expected DDPMScheduler or one that/,
      ],
      [{ ...linear, variance_type: "learned" }, /variance_type: expected "fixed_small" or .*, got "learned"/],
      [{ ...linear, clip_sample: false }, /clip_sample: expected true, got false/],
      [{ ...linear, trained_betas: [0.1] }, /trained_betas: expected null/],
    ];
    for (const [json, message] of refusals)
      expect(() => schedulerSettings(json as Record<string, unknown>)).toThrow(message);
  });

  it("lists everything that is wrong with a config, and asks for one", async () => {
    const wrong = { ...ddpm, act_fn: "mish", block_out_channels: [30], down_block_types: ["CrossAttnDownBlock2D"] };
    expect(() => diffusersArchitecture(wrong)).toThrow(/act_fn.*mish|down_block_types/s);
    expect(() =>
      diffusersArchitecture({
        block_out_channels: [30],
        down_block_types: ["DownBlock2D"],
        up_block_types: ["UpBlock2D"],
      }),
    ).toThrow(/30/);
    const bare = writeSafetensors(
      ["conv_in.weight", "time_embedding.linear_1.weight", "conv_norm_out.weight"].map((name) => ({
        name,
        shape: [1],
        dtype: "F32" as const,
        data: new Float32Array(1),
      })),
    );
    await expect(openCheckpoint(bytesSource("bare", bare))).rejects.toThrow(/config\.json/);
    await expect(openCheckpoint(bytesSource("bare", bare), ddpm)).rejects.toThrow(/does not fit its network/);
  });
});
