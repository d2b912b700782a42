/**
 * `repaint synth`: weights of a released architecture, made by the rule of src/checkpoints/synthesis.ts, so that
 * anybody can run it at full size without a download. They paint noise. No device.
 */
import { InputError } from "../../errors.ts";
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { type StreamedTensor, writeTensorFile } from "../../node/tensorWriter.ts";
import { diffusersTensors } from "../../checkpoints/diffusers/names.ts";
import { tensorsOf } from "../../checkpoints/layers.ts";
import { isDiffusersConfig } from "../../checkpoints/recognise.ts";
import { defaultDiffusion } from "../../checkpoints/config.ts";
import { parseFlags } from "../../checkpoints/flags.ts";
import {
  lowResSide,
  type Preset,
  presetArchitecture,
  presetByName,
  presetConfig,
  presets,
} from "../../checkpoints/released/find.ts";
import { writeSafetensors, type WritableTensor } from "../../files/safetensors.ts";
import { isExactInFloat16, synthesizeFloat16, synthesizeInput, synthesizeTensor } from "../../checkpoints/synthesis.ts";
import { type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import type { Context } from "../context.ts";
import { byFlagName } from "../given/flagWords.ts";
import { fileProgress } from "../files/fileProgress.ts";
import { bytes as inBytes, seconds } from "../../text/quantities.ts";
import { precisions, type Precision } from "../../numbers/storage.ts";

interface Settings {
  readonly preset: Preset;
  readonly path: string;
  readonly dtype: Precision;
  /** Where inputs go, too. */
  readonly input: string | undefined;
  readonly force: boolean;
}

export const synthCommand: Command<Settings> = {
  name: "synth",
  summary: "write synthetic weights of a released architecture at full size",
  positional: "PRESET OUT",
  options: [
    {
      name: "dtype",
      value: "f16|f32",
      help: "storage of the weights (default f16: vectors that are not exact in it stay f32)",
    },
    { name: "input", value: "F", help: "also write inputs: x, t, and y or low_res where the network takes them" },
    forceOption,
    jsonOption,
  ],
  notes: [
    `PRESET is one of ${presets.map(({ name }) => name).join(", ")}, or the name of a released file.`,
    "The weights follow a rule (docs/cli.md), so that an output can be compared with other programs'. They paint noise.",
  ],
  parse,
  run,
};

/** Any timestep and class would do; these are the published golden outputs'. */
const timestep = 500;
const label = 207n;

function parse(given: Arguments): Settings {
  const [name, path] = given.positionals as [string, string];
  const preset = presetByName(name);
  const input = given.text("input");
  const dtype = given.choice("dtype", precisions) ?? "f16";
  const force = given.has("force");
  if (input === path) throw new InputError(`--input ${input} is the file of the weights, too; give another name`);
  return { preset, path, dtype, input, force };
}

async function run({ preset, path, dtype, input, force }: Settings, { report, signal }: Context): Promise<void> {
  for (const output of [path, ...(input === undefined ? [] : [input])]) await refuseOutput(output, { force });
  const begin = performance.now();
  const size = await writeTensorFile(path, weightsOf(preset, dtype), metadataOf(preset), {
    force,
    signal,
    onProgress: fileProgress(report),
  });
  report.endProgress();
  if (input !== undefined) await writeFileAtomic(input, writeSafetensors(inputsOf(preset)), { force });
  const took = (performance.now() - begin) / 1000;
  report.event("synthesized", {
    file: path,
    preset: preset.name,
    parameters: preset.parameters,
    bytes: size,
    dtype,
    seconds: took,
    ...(input === undefined ? {} : { input }),
  });
  const million = `${(preset.parameters / 1e6).toFixed(1)}M parameters`;
  report.say(`Wrote ${path}: ${preset.name}, ${million}, ${inBytes(size)}, in ${seconds(took)}; they paint noise.`);
  if (input !== undefined) report.say(`Wrote ${input}: its inputs.`);
}

function weightsOf(preset: Preset, dtype: Precision): StreamedTensor[] {
  const architecture = presetArchitecture(preset);
  const tensors = isDiffusersConfig(preset.flags) ? diffusersTensors(architecture) : tensorsOf(architecture);
  return [...tensors].map(([name, shape]) =>
    dtype === "f16" && isExactInFloat16(name, shape)
      ? { name, shape, dtype: "F16", bytes: () => synthesizeFloat16(name, shape) }
      : { name, shape, dtype: "F32", bytes: () => synthesizeTensor(name, shape) },
  );
}

function metadataOf({ name, flags }: Preset): Record<string, string> {
  const common = { preset: name, synthetic: "made by a rule, not trained: paints noise" };
  if (isDiffusersConfig(flags)) return { diffusers_config: JSON.stringify(flags), ...common };
  const diffusion = byFlagName({ ...defaultDiffusion, ...parseFlags(flags).diffusion });
  return {
    flags: JSON.stringify(flags),
    diffusion: JSON.stringify(diffusion),
    ...common,
  };
}

function inputsOf(preset: Preset): WritableTensor[] {
  const { inChannels, imageSize, numClasses } = presetConfig(preset);
  const image = (name: string, side: number): WritableTensor => {
    const shape = [1, inChannels, side, side];
    return { name, dtype: "F32", shape, data: synthesizeInput(name, shape) };
  };
  const low = lowResSide(preset);
  return [
    image("x", imageSize),
    { name: "t", dtype: "F32", shape: [1], data: Float32Array.of(timestep) },
    ...(numClasses === null ? [] : [{ name: "y", dtype: "I64", shape: [1], data: BigInt64Array.of(label) } as const]),
    ...(low === undefined ? [] : [image("low_res", low)]),
  ];
}
