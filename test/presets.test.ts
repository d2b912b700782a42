/** The released networks' data: sizes to the last parameter, names, what a file looks like. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { classifierPresets } from "../src/checkpoints/released/classifiers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { diffusersArchitecture } from "../src/checkpoints/diffusers/config.ts";
import { diffusersTensors } from "../src/checkpoints/diffusers/names.ts";
import { countMacs, countParameters, expectedTensors } from "../src/checkpoints/layers.ts";
import { inferConfig } from "../src/checkpoints/infer.ts";
import {
  findPreset,
  identifyPreset,
  presetArchitecture,
  presetByName,
  presetConfig,
  presetNames,
  presets,
  presetWords,
  releasedAs,
  releasedWords,
  type Preset,
} from "../src/checkpoints/released/find.ts";
import { isDiffusersConfig } from "../src/checkpoints/recognise.ts";
import { synthesizeTensor } from "../src/checkpoints/synthesis.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { releases } from "../src/checkpoints/released/releases.ts";
import { cli } from "./support/cli.ts";
import { goldenCheckpoint } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { UNet } from "../src/unet/unet.ts";

/** As printed in papers and tables: millions of parameters. */
const millions: Record<string, string> = {
  imagenet64: "295.9", imagenet128: "421.5", imagenet256: "553.8", "imagenet256-uncond": "552.8", imagenet512: "559.0",
  "lsun-bedroom": "552.8", "lsun-cat": "552.8", "lsun-horse": "552.8", celeba256: "552.8", places256: "552.8",
  "upsampler-64-256": "311.8", "upsampler-128-512": "308.8",
  ffhq256: "93.6", celebahq256: "93.6", "afhq-dogs256": "93.6", flowers256: "93.6", cub256: "93.6", metfaces256: "93.6",
  "ffhq256-10m": "93.6", "improved-imagenet64": "121.1", "improved-imagenet64-vlb": "121.1",
  "improved-imagenet64-classes": "273.0", "improved-cifar10": "52.5", "improved-cifar10-vlb": "52.5",
  "improved-bedroom256": "113.7", "improved-bedroom256-longer": "113.7", "improved-upsampler-64-256": "279.8",
  "google/ddpm-ema-celebahq-256": "113.7", "google/ddpm-ema-church-256": "113.7", "google/ddpm-ema-bedroom-256": "113.7",
  "google/ddpm-cat-256": "113.7",
}; // prettier-ignore

const [inDiffusers, guided] = [true, false].map((layout) =>
  presets.filter(({ flags }) => isDiffusersConfig(flags) === layout),
) as [Preset[], Preset[]];

test("there is one for every released network, under names of its own", () => {
  expect(presets.map(({ name }) => name)).toEqual(Object.keys(millions));
  const names = presets.flatMap(presetNames).map((name) => name.toLowerCase());
  expect(new Set(names).size).toBe(names.length);
  expect(presets.filter(({ name }) => name !== name.toLowerCase())).toEqual([]);
});

test.each(presets)("$name has its parameters and multiply-adds", (preset) => {
  const config = presetConfig(preset);
  const architecture = presetArchitecture(preset);
  expect(countParameters(architecture)).toBe(preset.parameters);
  expect((preset.parameters / 1e6).toFixed(1)).toBe(millions[preset.name]);
  expect(Math.round(countMacs(architecture, config.imageSize, config.imageSize) / 1e9)).toBe(preset.gmac);
  const { origin, licence } = releases[preset.release];
  for (const text of [origin, licence, preset.title]) expect(text.length).toBeGreaterThan(5);
});

test.each(presets)("$name is found by its names, and recognised", (preset) => {
  for (const name of presetNames(preset).flatMap((name) => [name, name.toUpperCase()]))
    expect(findPreset(name)).toBe(preset);
  const architecture = presetArchitecture(preset);
  const layout = inDiffusers.includes(preset) ? { diffusersConfig: preset.flags } : {};
  const checkpoint = { config: architecture.config, architecture, ...layout };
  expect(releasedAs(checkpoint)).toContain(preset);
  expect(releasedWords(checkpoint)).toContain(preset.name);
});

test("a network in diffusers' layout is none in guided-diffusion's, and another epsilon is another network", () => {
  const [{ flags }] = inDiffusers as [Preset];
  const released = (more: object) => {
    const diffusersConfig = { ...flags, ...more };
    const architecture = diffusersArchitecture(diffusersConfig);
    return releasedAs({ config: architecture.config, architecture, diffusersConfig }).length;
  };
  expect([released({}), released({ norm_eps: 1e-5 }), released({ sample_size: 128 })]).toEqual([4, 0, 4]);
  expect(identifyPreset(diffusersArchitecture(flags).config)).toEqual([]);
});

test("synth's tensors of diffusers' layout are those that it reads", async () => {
  const small = { block_out_channels: [32, 64], down_block_types: ["DownBlock2D", "AttnDownBlock2D"], up_block_types: ["AttnUpBlock2D", "UpBlock2D"] }; // prettier-ignore
  const config = { ...inDiffusers[0]!.flags, ...small };
  const tensors = [...diffusersTensors(diffusersArchitecture(config))].map(([name, shape]) => ({
    name,
    shape,
    dtype: "F32" as const,
    data: synthesizeTensor(name, shape),
  }));
  const file = writeSafetensors(tensors, { diffusers_config: JSON.stringify(config) });
  const { architecture } = await openCheckpoint(bytesSource("small", file));
  expect(countParameters(architecture)).toBe(tensors.reduce((sum, { data }) => sum + data.length, 0));
});

test("only networks of one architecture are taken for each other", () => {
  for (const preset of guided) {
    const others = identifyPreset(presetConfig(preset));
    const alike = { 552_814_086: 6, 93_563_910: 7, 121_063_942: 2, 52_546_438: 2, 113_676_678: 2 };
    expect(others.length).toBe(alike[preset.parameters as keyof typeof alike] ?? 1);
    for (const other of others) expect(other.parameters).toBe(preset.parameters);
  }
  const config = presetConfig(presetByName("imagenet256"));
  expect(identifyPreset({ ...config, useNewAttentionOrder: true })).toEqual([]);
  expect(identifyPreset({ ...config, numHeadChannels: 32 })).toEqual([]);
  expect(identifyPreset({ ...config, channelMult: [1] })).toEqual([]);
  // Four heads and 64 channels a head are the same where 256 channels attend, and only there.
  expect(identifyPreset({ ...config, numHeadChannels: -1, numHeads: 4 })).toEqual([]);
  expect(presetWords({ ...config, modelChannels: 0 })).toBeUndefined();
});

test("the tensors alone tell a released file, but for what no tensor says", () => {
  const recognised = guided.filter((preset) => {
    const shapes = new Map([...expectedTensors(presetConfig(preset))].map(([name, shape]) => [name, { shape }]));
    return identifyPreset(inferConfig(shapes)).includes(preset);
  });
  // The new attention order, and four heads, leave no trace in shapes.
  const silent = [
    "imagenet64",
    "imagenet128",
    "upsampler-64-256",
    ...presets.map(({ name }) => name).filter((name) => /^improved-(?!cifar)|^google/.test(name)),
  ];
  expect(recognised.map(({ name }) => name)).toEqual(Object.keys(millions).filter((name) => !silent.includes(name)));
});

test("an unknown name gets the nearest", () => {
  expect(() => presetByName("256x256_difusion_uncond")).toThrow(/did you mean 256x256_diffusion_uncond\?/);
  expect(() => presetByName("")).toThrow(/is no released network.*there are imagenet64/);
});

test("--flags takes a preset, which must fit the file", async () => {
  const { status, err } = await cli(["inspect", "portraits64", "--flags", "celeba256_250000"]);
  expect([status, err]).toEqual([2, expect.stringMatching(/flag model_channels 256 contradicts/)]);
  const wrong = await cli(["inspect", "portraits64", "--flags", "celeba"]);
  expect([wrong.status, wrong.err]).toEqual([2, expect.stringMatching(/no released network's name; .*celeba256/)]);
});

test("an error for a wrong use says what the network looks like", async () => {
  const checkpoint = await goldenCheckpoint("unet/class-cond.weights.safetensors");
  const device = await gpuDevice();
  const plain = await UNet.load(device, checkpoint);
  await expect(plain.embed([0])).rejects.toThrow(/^this network is class-conditional: y is needed/);
  // The configuration of a released network over a small file's weights: embed refuses before it computes.
  const config = presetConfig(presetByName("imagenet256"));
  const disguised = { ...checkpoint, config };
  const network = await UNet.load(device, disguised);
  await expect(network.embed([0])).rejects.toThrow(
    /class-conditional \(it looks like imagenet256 \(ImageNet 256×256, class-conditional\)\): y is needed/,
  );
  plain.dispose();
  network.dispose();
});

test("docs/networks.md lists every released network with its numbers, file, release and licence", async () => {
  const text = await readFile(new URL("../docs/networks.md", import.meta.url), "utf8");
  const rows = text.split("\n").map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  for (const { name, title, flags, file, release, guidance, parameters, gmac } of presets) {
    const classes = flags.class_cond === true ? "yes" : "";
    const numbers = [`${(parameters / 1e6).toFixed(1)}M`, String(gmac)];
    const row = [
      `\`${name}\``,
      title,
      classes,
      ...numbers,
      file ? `\`${file}\`` : "",
      `${guidance?.scale ?? ""}`,
      release,
    ];
    expect(rows).toContainEqual(row);
  }
  for (const [name, { origin, licence }] of Object.entries(releases))
    expect(rows).toContainEqual([name, origin, licence]);
  for (const { name, title, megaparameters, gmac, file } of classifierPresets)
    expect(rows).toContainEqual([`\`${name}\``, title, `${megaparameters}M`, String(gmac), `\`${file}\``]);
});
