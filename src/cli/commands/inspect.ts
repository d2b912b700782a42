/**
 * `repaint inspect`: what is in a checkpoint, as far as its header tells. No device, and no weights are read but for
 * the hash.
 */
import { InputError } from "../../errors.ts";
import { requireGuide } from "../../repaint/guidance.ts";
import { type Architecture } from "../../checkpoints/architecture.ts";
import { countMacs, countParameters } from "../../checkpoints/layers.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import { classifierPresets, identifyClassifier } from "../../checkpoints/released/classifiers.ts";
import { classNames } from "../../checkpoints/released/classNames.ts";
import type { UNetConfig } from "../../checkpoints/config.ts";
import { presetByName, releasedAs } from "../../checkpoints/released/find.ts";
import { type Arguments, type Command, jsonOption } from "../command.ts";
import type { Context } from "../context.ts";
import { byFlagName } from "../given/flagWords.ts";
import { type PlanSize, reportPlan } from "../tasks/memoryTable.ts";
import { classifierFlagsOption, flagsOption, networkOption, readFlags } from "../given/flags.ts";
import { modelHash, type ModelSettings, withClassifier } from "../given/model.ts";
import { readSize } from "../given/settings.ts";
import { flagsOf, isClassifier, type Network, networkIn, type OpenFile, withFile } from "../given/network.ts";
import { bytes as inBytes, count } from "../../text/quantities.ts";

interface Settings {
  /** A file, its address, or a shipped model. */
  readonly file: string;
  readonly flags: unknown;
  readonly network: string | undefined;
  /** The memory of a forward of this size; undefined: is not asked for. */
  readonly plan: PlanSize | undefined;
  /** The classifier whose memory is planned beside the network's. */
  readonly guide: ModelSettings | undefined;
}

export const inspectCommand: Command<Settings> = {
  name: "inspect",
  summary: "tell what is in a checkpoint: its architecture, size and cost",
  positional: "F",
  options: [
    flagsOption,
    networkOption,
    { name: "plan", help: "also the memory that a forward takes on the device, in f32 and f16" },
    { name: "batch", value: "N", help: "with --plan: images at once (default 1)" },
    { name: "size", value: "WxH", help: "with --plan: of the images (default the network's own)" },
    { name: "classifier", value: "F", help: "with --plan: the classifier that guides the network" },
    classifierFlagsOption,
    jsonOption,
  ],
  notes: [
    "F is a UNet or a classifier in a safetensors or PyTorch file, its https address, or the name of a shipped model.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const plan = readPlanSize(given);
  const flags = await readFlags(given);
  const classifier = { weights: given.text("classifier"), flags: await readFlags(given, "classifier-flags") };
  const isGuided = classifier.weights !== undefined;
  if (isGuided && !plan) throw new InputError("--classifier is for --plan; inspect a classifier by its own name");
  const network = given.text("network");
  return { file: given.positional!, flags, network, plan, guide: isGuided ? classifier : undefined };
}

function readPlanSize(given: Arguments): PlanSize | undefined {
  const stray = ["batch", "size"].find((name) => given.has(name));
  if (!given.has("plan")) {
    if (stray) throw new InputError(`--${stray} is for --plan; give that, too`);
    return undefined;
  }
  const size = readSize(given);
  return {
    batch: given.integer("batch", { min: 1, max: 1024 }) ?? 1,
    size: size && [size.width, size.height],
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { file, flags, plan, guide: classifier } = settings;
  const body = async (opened: OpenFile): Promise<void> => {
    const network = await networkIn(opened, flags);
    const guide = classifier && (await guideOf(context, classifier, network));
    const facts = await describe(context, opened, network);
    context.report.event("checkpoint", facts);
    context.report.print(table(facts));
    if (plan) await reportPlan(context.report, { architecture: network.architecture, guide }, plan);
  };
  await withFile(context, file, body, settings.network);
}

/** The architecture of a classifier that is to guide the network. @throws InputError where it cannot */
async function guideOf(context: Context, classifier: ModelSettings, network: Network): Promise<Architecture> {
  if (isClassifier(network)) throw new InputError("--classifier guides a UNet, and this is a classifier");
  return withClassifier(context, classifier, ({ checkpoint }) => {
    requireGuide(network, checkpoint);
    return Promise.resolve(checkpoint.architecture);
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
  /** By number, where the file or ImageNet's thousand tell. */
  readonly classes?: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  /** Not of classifiers. */
  readonly diffusion?: Readonly<Record<string, unknown>>;
  readonly assumed: readonly string[];
}

const formats = { safetensors: "safetensors", zip: "PyTorch", pickle: "PyTorch before 1.6" };

async function describe(context: Context, opened: OpenFile, network: Network): Promise<Facts> {
  const { source } = opened;
  const { file, config, architecture, assumed } = network;
  const sha256 = await modelHash(opened, context);
  const dtypes: Record<string, number> = {};
  for (const { dtype } of file.tensors.values()) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  const own = isClassifier(network);
  const count = own ? architecture.outChannels : config.numClasses;
  const classes = count === null ? undefined : await classNames(file, count);
  return {
    file: source.name,
    format: formats[opened.file.format],
    bytes: source.size,
    sha256,
    tensors: file.tensors.size,
    dtypes,
    metadata: [...file.metadata.keys()],
    architecture: own ? classifierWords(network) : architectureWords(config),
    parameters: countParameters(architecture),
    imageSize: config.imageSize,
    presets: presetsOf(network),
    gmac: countMacs(architecture, config.imageSize, config.imageSize) / 1e9,
    ...(classes ? { classes } : {}),
    flags: flagsOf(network),
    ...(own ? {} : { diffusion: byFlagName(network.diffusion) }),
    assumed,
  };
}

function presetsOf(network: Network): string[] {
  if (isClassifier(network)) {
    const released = identifyClassifier(network.file.tensors);
    return released ? [released.name] : [];
  }
  return releasedAs(network).map(({ name }) => name);
}

function classifierWords({ config, architecture: { head, outChannels } }: ClassifierCheckpoint): string {
  const pool = head.kind === "image" ? "" : `${head.kind.replace("_", " ")} pool`;
  return [
    ...sharedWords({ ...config, kind: "classifier" }),
    pool,
    `${config.inChannels} channels in, ${outChannels} classes out`,
  ].join("; ");
}

function architectureWords(config: UNetConfig): string {
  const { inChannels, outChannels, numClasses } = config;
  return [
    ...sharedWords({ ...config, kind: config.superRes ? "super-resolution network" : "UNet" }),
    numClasses === null ? "no classes" : count(numClasses, "class").replace("classs", "classes"),
    `${inChannels} channels in, ${outChannels} out`,
  ].join("; ");
}

function sharedWords(config: UNetConfig & { readonly kind: string }): string[] {
  const { channelMult, numResBlocks, attentionResolutions, imageSize, modelChannels } = config;
  const attention = attentionResolutions.map((factor) => imageSize / factor).filter((size) => size >= 1);
  const heads =
    config.numHeadChannels === -1 ? count(config.numHeads, "head") : `${config.numHeadChannels} channels a head`;
  return [
    `guided-diffusion ${config.kind}`,
    `${imageSize}x${imageSize} pixels`,
    `${count(channelMult.length, "level")} of ${channelMult.map((mult) => Math.trunc(mult * modelChannels)).join(", ")} channels`,
    `${count(numResBlocks, "block")} each`,
    `attention ${attention.length > 0 ? `at ${attention.join(", ")} and ` : ""}in the middle (${heads}, ${config.useNewAttentionOrder ? "new" : "legacy"} order)`,
  ];
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
    ["Looks like", facts.presets.map((name) => `${name} (${titleOf(name)})`)],
    ["Parameters", [facts.parameters.toLocaleString("en-US")]],
    ...(facts.classes ? [["Classes", [classList(facts.classes)]] as [string, string[]]] : []),
    ["A forward", [`${facts.gmac.toPrecision(4)} GMAC at ${facts.imageSize}x${facts.imageSize}`]],
    ["Flags", settings(facts.flags)],
    ["Diffusion", settings(facts.diffusion ?? {})],
    ["Assumed", facts.assumed.length > 0 ? [...facts.assumed] : ["nothing"]],
  ];
  return rows
    .flatMap(([name, lines]) => lines.map((line, i) => `${(i === 0 ? name : "").padEnd(14)}${line}`))
    .join("\n");
}

function titleOf(name: string): string {
  return classifierPresets.find((preset) => preset.name === name)?.title ?? presetByName(name).title;
}

const mostNames = 12;

function classList(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).map((name, index) => `${index} ${name}`);
  return shown.join(", ") + (names.length > mostNames ? `, … ${names.length - 1} ${names.at(-1)}` : "");
}
