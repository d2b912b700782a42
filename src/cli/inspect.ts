/** `repaint inspect`: what is in a checkpoint, as far as its header tells. No device, and no weights are read but for the hash. */
import { bytes as inBytes, count } from "./words.ts";
import { countMacs, countParameters } from "../unet/architecture.ts";
import type { UNetConfig } from "../unet/config.ts";
import { identifyPreset, presetByName } from "../unet/presets.ts";
import { type CheckpointFormat, recogniseFormat } from "../unet/pytorch/formats.ts";
import { type Arguments, type Command, flagsOption, jsonOption } from "./command.ts";
import type { Context } from "./context.ts";
import { byFlagName } from "./flagWords.ts";
import { planOptions, readPlanSize, reportPlan } from "./memoryTable.ts";
import { modelHash, type OpenModel, readFlags, withModel } from "./model.ts";

export const inspect: Command = {
  name: "inspect",
  summary: "tell what is in a checkpoint: its architecture, size and cost",
  positional: "F",
  options: [flagsOption, ...planOptions, jsonOption],
  notes: ["F is a safetensors or PyTorch file, its https address, or the name of a shipped model."],
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const plan = readPlanSize(given);
  await withModel(context, given.positional, await readFlags(given), async (model) => {
    const facts = describe(model, await recogniseFormat(model.source), await modelHash(model, context));
    context.report.event("checkpoint", facts);
    context.report.print(table(facts));
    if (plan) reportPlan(context.report, model.checkpoint.architecture, plan);
  });
}

interface Facts extends Record<string, unknown> {
  readonly file: string;
  readonly format: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly tensors: number;
  readonly dtypes: Readonly<Record<string, number>>;
  readonly metadata: readonly string[];
  readonly architecture: string;
  /** Names of the released networks with this architecture. */
  readonly presets: readonly string[];
  readonly parameters: number;
  readonly imageSize: number;
  readonly gmac: number;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly diffusion: Readonly<Record<string, unknown>>;
  readonly assumed: readonly string[];
}

const formats = { safetensors: "safetensors", zip: "PyTorch", pickle: "PyTorch before 1.6" };

function describe({ source, checkpoint }: OpenModel, format: CheckpointFormat, sha256: string): Facts {
  const { file, config, architecture, diffusion, assumed } = checkpoint;
  const dtypes: Record<string, number> = {};
  for (const { dtype } of file.tensors.values()) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  return {
    ...{ file: source.name, format: formats[format], bytes: source.size, sha256 },
    ...{ tensors: file.tensors.size, dtypes, metadata: [...file.metadata.keys()] },
    ...{
      architecture: architectureWords(config),
      parameters: countParameters(architecture),
      imageSize: config.imageSize,
    },
    presets: (checkpoint.diffusersConfig ? [] : identifyPreset(config)).map(({ name }) => name),
    gmac: countMacs(architecture, config.imageSize, config.imageSize) / 1e9,
    flags: byFlagName(config),
    diffusion: byFlagName(diffusion),
    assumed,
  };
}

function architectureWords(config: UNetConfig): string {
  const { channelMult, numResBlocks, attentionResolutions, imageSize, inChannels, outChannels, numClasses } = config;
  const attention = attentionResolutions.map((factor) => imageSize / factor).filter((size) => size >= 1);
  const heads =
    config.numHeadChannels === -1 ? count(config.numHeads, "head") : `${config.numHeadChannels} channels a head`;
  return [
    `guided-diffusion ${config.superRes ? "super-resolution network" : "UNet"}`,
    `${imageSize}x${imageSize} pixels`,
    `${count(channelMult.length, "level")} of ${channelMult.map((mult) => Math.trunc(mult * config.modelChannels)).join(", ")} channels`,
    `${count(numResBlocks, "block")} each`,
    `attention ${attention.length > 0 ? `at ${attention.join(", ")} and ` : ""}in the middle (${heads}, ${config.useNewAttentionOrder ? "new" : "legacy"} order)`,
    numClasses === null ? "no classes" : count(numClasses, "class").replace("classs", "classes"),
    `${inChannels} channels in, ${outChannels} out`,
  ].join("; ");
}

function table(facts: Facts): string {
  const settings = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const rows: [string, string[]][] = [
    ["File", [facts.file]],
    ["Format", [`${facts.format}, ${inBytes(facts.bytes)}`]],
    ["sha256", [facts.sha256]],
    [
      "Tensors",
      [
        `${facts.tensors} (${Object.entries(facts.dtypes)
          .map(([type, n]) => `${n} ${type}`)
          .join(", ")})`,
      ],
    ],
    ["Metadata", [facts.metadata.join(", ") || "none"]],
    ["Architecture", facts.architecture.split("; ")],
    ["Looks like", facts.presets.map((name) => `${name} (${presetByName(name).title})`)],
    ["Parameters", [facts.parameters.toLocaleString("en-US")]],
    ["A forward", [`${facts.gmac.toPrecision(4)} GMAC at ${facts.imageSize}x${facts.imageSize}`]],
    ["Flags", settings(facts.flags)],
    ["Diffusion", settings(facts.diffusion)],
    ["Assumed", facts.assumed.length > 0 ? [...facts.assumed] : ["nothing"]],
  ];
  return rows
    .flatMap(([name, lines]) => lines.map((line, i) => `${(i === 0 ? name : "").padEnd(14)}${line}`))
    .join("\n");
}
