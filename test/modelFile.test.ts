/** What a path of a model leads to: folders as diffusers keeps them, and checkpoints in parts. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { configBeside } from "../src/checkpoints/diffusers/configBeside.ts";
import { diffusersArchitecture } from "../src/checkpoints/diffusers/config.ts";
import { type Checkpoint, openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { tensorsOf } from "../src/checkpoints/layers.ts";
import { writeSafetensors, type WritableTensor } from "../src/files/safetensors.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openModelFile } from "../src/node/modelFile.ts";
import { RePaint } from "../src/index.ts";
import { setRuntime } from "../src/repaint/runtime.ts";
import { cli, folder } from "./support/cli.ts";
import { underDiffusersNames } from "./support/diffusersNames.ts";
import { gpuDevice } from "./support/gpu.ts";
import { serve } from "./support/staticServer.ts";
import { values } from "./support/random.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";

const config = {
  _class_name: "UNet2DModel",
  sample_size: 8,
  layers_per_block: 1,
  block_out_channels: [32],
  down_block_types: ["DownBlock2D"],
  up_block_types: ["UpBlock2D"],
};
const scheduler = {
  _class_name: "DDPMScheduler",
  beta_schedule: "squaredcos_cap_v2",
  prediction_type: "v_prediction",
  num_train_timesteps: 500,
};
const state = new Map(
  [...tensorsOf(diffusersArchitecture(config))].map(([name, shape], index) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return [name, { shape, data: Float32Array.from(values(length, 900 + index, { deviation: 0.1 })) }];
  }),
);
const tensors: WritableTensor[] = [...underDiffusersNames(state, 1)].map(([name, tensor]) => {
  return { name, dtype: "F32", ...tensor };
});
const name = "diffusion_pytorch_model.safetensors";

type Files = Record<string, unknown>;

/** Objects are written as JSON. */
async function filesAt(files: Files): Promise<string> {
  const root = await folder();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content instanceof Uint8Array ? content : JSON.stringify(content));
  }
  return root;
}

const half = tensors.length >> 1;
const part = (n: number) => `diffusion_pytorch_model-0000${n}-of-00002.safetensors`;
/** The network in two parts with their index, which `change` may alter. */
const parts = (change: (map: Record<string, unknown>) => void = () => undefined): Files => {
  const map = Object.fromEntries(tensors.map((tensor, i) => [tensor.name, part(i < half ? 1 : 2)]));
  change(map);
  return {
    "config.json": config,
    [part(1)]: writeSafetensors(tensors.slice(0, half), { format: "pt" }),
    [part(2)]: writeSafetensors(tensors.slice(half), { format: "pt" }),
    [`${name}.index.json`]: { metadata: { total_size: 1 }, weight_map: map },
  };
};
const whole: Files = { "config.json": config, [name]: writeSafetensors(tensors) };
const inside = (path: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([file, content]) => [`${path}/${file}`, content]));
const pipeline: Files = {
  "model_index.json": { _class_name: "DDPMPipeline", unet: ["diffusers", "UNet2DModel"] },
  "scheduler/scheduler_config.json": scheduler,
  ...inside("unet", whole),
};

async function bytesOf({ file }: Checkpoint): Promise<Map<string, Uint8Array>> {
  const read = [...file.tensors.keys()].map(async (tensor) => [tensor, await file.read(tensor)] as const);
  return new Map(await Promise.all(read));
}

async function checkpointAt(path: string, flags?: unknown) {
  const source = await openModelFile(path);
  try {
    const opened = await openCheckpoint(source, flags, () => configBeside((file) => source.jsonBeside(file)));
    const read = [...opened.file.tensors.keys()].map(
      async (tensor) => [tensor, await opened.file.read(tensor)] as const,
    );
    return { ...opened, path: source.name, bytes: new Map(await Promise.all(read)) };
  } finally {
    await source.close();
  }
}

const plain = { bytes: await bytesOf(await openCheckpoint(bytesSource("plain", whole[name] as Uint8Array), config)) };
const told = { diffusionSteps: 500, noiseSchedule: "cosine", predictV: true };

describe("folders", () => {
  it.each<[string, Files, string]>([
    ["a pipeline's", pipeline, ""],
    ["a pipeline's index", pipeline, "model_index.json"],
    ["its network's", pipeline, "unet"],
    ["a config.json", pipeline, "unet/config.json"],
    ["with the scheduler beside the weights", { ...whole, "scheduler_config.json": scheduler }, ""],
    ["in parts", { ...pipeline, ...inside("unet", parts()), [`unet/${name}`]: "" }, `unet/${name}.index.json`],
    [
      "of training, where the average is",
      {
        ...inside("unet_ema", whole),
        ...inside("unet", { "config.json": {} }),
        "scheduler/scheduler_config.json": scheduler,
        "optimizer.bin": "x",
      },
      "",
    ],
  ])("%s", async (_, files, path) => {
    const { bytes, diffusion, assumed } = await checkpointAt(join(await filesAt(files), path));
    expect(bytes).toEqual(plain.bytes);
    expect(diffusion).toMatchObject(told);
    expect(assumed).toEqual([]);
  });

  it("of one file, whatever its name; of several they are listed", async () => {
    const root = await filesAt({ "model.safetensors": tinyNetwork(), "opt000100.pt": "x", "progress.csv": "x" });
    expect((await checkpointAt(root)).path).toBe(join(root, "model.safetensors"));
    await writeFile(join(root, "ema.pt"), "x");
    await expect(openModelFile(root)).rejects.toThrow(
      /: it is a folder with several checkpoints: give one of ema\.pt, model\.safetensors$/,
    );
  });

  it.each<[string, Files, RegExp]>([
    [
      "nothing",
      { "a.txt": "x" },
      /: it is a folder with no weights: expected diffusion_pytorch_model\.safetensors \(diffusers\), or one/,
    ],
    ["parts alone", { [part(1)]: "x", [part(2)]: "x" }, /with parts of a checkpoint, but not their index/],
    ["a decoder", { ...pipeline, "model_index.json": { vqvae: ["diffusers", "VQModel"] } }, /a latent diffusion model/],
  ])("with %s are refused", async (_, files, message) => {
    await expect(openModelFile(await filesAt(files))).rejects.toThrow(message);
  });

  it("flags may be the scheduler's, or a config.json whose scheduler stands beside the weights", async () => {
    const flat = join(await filesAt(whole), name);
    expect((await checkpointAt(flat, scheduler)).diffusion).toMatchObject(told);
    expect((await checkpointAt(flat)).assumed).toContain("noise_schedule linear");
    const own = join(await filesAt(pipeline), "unet", name);
    expect((await checkpointAt(own, config)).diffusion).toMatchObject(told);
    await expect(checkpointAt(flat, { num_heads: 2 })).rejects.toThrow(/give the config\.json/);
  });

  it("are --weights, and a path of RePaint.load", async () => {
    const root = await filesAt(pipeline);
    const { status, out, err } = await cli(["inspect", root]);
    expect([status, err]).toEqual([0, `Weights: ${join(root, "unet", name)}\n`]);
    expect(out).toContain("predict_v true");
    // Other files' tests run in the same process, without it.
    setRuntime({ openFile: openModelFile, openDevice: gpuDevice });
    onTestFinished(() => setRuntime(undefined));
    const repaint = await RePaint.load(root, { device: await gpuDevice() });
    expect(repaint.checkpoint.diffusion).toMatchObject(told);
    repaint.dispose();
  });
});

it("addresses have their config, their scheduler and their parts beside them", async () => {
  const files: Files = { ...pipeline, ...inside("parts/unet", parts()), "flat/scheduler_config.json": scheduler };
  Object.assign(files, inside("flat", whole), { "parts/scheduler/scheduler_config.json": scheduler });
  const server = await serve((path) => {
    const content = files[path.slice(1)];
    return content instanceof Uint8Array || content === undefined ? content : JSON.stringify(content);
  });
  onTestFinished(() => server.stop());
  const { url } = server;
  for (const path of [`unet/${name}`, `flat/${name}`, `parts/unet/${name}.index.json`]) {
    const { status, out } = await cli(["inspect", url + path]);
    expect(status).toBe(0);
    expect(out).toContain("predict_v true");
  }
  const repaint = await RePaint.load(new URL(`${url}unet/${name}`), { device: await gpuDevice() });
  expect(repaint.checkpoint.diffusion).toMatchObject(told);
  repaint.dispose();
});

describe("parts", () => {
  it("are one file to the bit, from any of them", async () => {
    const root = await filesAt(parts());
    for (const path of ["", part(1), part(2), `${name}.index.json`])
      expect((await checkpointAt(join(root, path))).bytes).toEqual(plain.bytes);
  });

  it.each<[string, Files, RegExp]>([
    [
      "outside of their folder",
      parts((map) => (map["conv_in.bias"] = "../x.safetensors")),
      /"conv_in\.bias": expected the name of a file beside it, got "\.\.\/x/,
    ],
    ["of another format", parts((map) => (map["conv_in.bias"] = "x.bin")), /only safetensors are read in parts/],
    ["that are not there", parts((map) => (map["conv_in.bias"] = "x.safetensors")), /no such file/],
    ["without a tensor", parts((map) => (map["conv_in.none"] = part(1))), /"conv_in\.none" is in .*, but it is not/],
    [
      "with a tensor more",
      parts((map) => delete map["conv_in.bias"]),
      /has "conv_in\.bias", which the index does not name/,
    ],
    [
      "that are swapped",
      parts((map) => (map["conv_in.bias"] = part(2))),
      /has "conv_in\.bias", which the index says is in/,
    ],
    ["of no names", { [`${name}.index.json`]: { weight_map: { a: 5 } } }, /"a": expected the name of a file/],
    ["of no map", { [`${name}.index.json`]: [1] }, /expected a weight_map/],
    ["of nothing", { [`${name}.index.json`]: { weight_map: {} } }, /1 to 500 files, got 0/],
  ])("%s are refused", async (_, files, message) => {
    await expect(openModelFile(join(await filesAt(files), `${name}.index.json`))).rejects.toThrow(message);
  });

  it("that were cut off are named", async () => {
    const root = await filesAt(parts());
    await rename(join(root, part(2)), join(root, "x"));
    await writeFile(join(root, part(2)), writeSafetensors(tensors.slice(half)).subarray(0, -4));
    await expect(openModelFile(root)).rejects.toThrow(/00002-of-00002\.safetensors is not a valid .* cut off/);
    await rm(join(root, "x"));
  });
});
