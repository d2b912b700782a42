/**
 * `repaint replay`: a recorded run with its own noise, RePaint's climbs step by step. The trace is a safetensors file
 * with gt, keep_mask, noise, for class-conditional networks y, and the case as JSON in its metadata; the noise is read
 * draw by draw. Not here: the arithmetic (src/repaint/replay.ts).
 */
import { InputError } from "../../errors.ts";
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
import type { Guidance } from "../../repaint/guidance.ts";
import { replay, replayCalls, type ReplayStep, type Trace } from "../../repaint/replay.ts";
import { Classifier, requireClassifierSize } from "../../unet/classifier.ts";
import { readFloat32, writeSafetensors } from "../../files/safetensors.ts";
import { UNet } from "../../unet/unet.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  forceOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { flagsOption, networkOption } from "../given/flags.ts";
import { guideOptions, type GuideSettings, type OpenGuide, readGuide, withModelAndGuide } from "../given/guide.ts";
import { type ModelSettings, type OpenModel, readModel, requirePictureModel, sayAssumed } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { readCase, type RecordedCase } from "../files/recordedCase.ts";
import { type OpenTensors, readIntegers, TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { bytes } from "../../text/quantities.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tunedChoices, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { quoted } from "../../text/quoted.ts";
import type { Precision } from "../../numbers/storage.ts";
import type { TensorInfo } from "../../files/tensorFile.ts";

interface Settings {
  readonly model: ModelSettings;
  readonly guide: GuideSettings | undefined;
  readonly trace: string;
  readonly output: string;
  readonly precision: Precision;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
  readonly force: boolean;
}

export const replayCommand: Command<Settings> = {
  name: "replay",
  summary: "run a recorded trace with its own noise",
  options: [
    weightsOption,
    { name: "trace", value: "F", help: "safetensors with gt, keep_mask, noise, and the case in its metadata" },
    { name: "output", value: "F", help: "safetensors to write: samples and pred_xstart after every model call" },
    flagsOption,
    networkOption,
    ...guideOptions.map((option) =>
      option.name === "classifier-scale"
        ? { ...option, help: "how strongly it guides (default: as recorded)" }
        : option,
    ),
    precisionOption,
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const [, trace, output] = [given.required("weights"), given.required("trace"), given.required("output")];
  return {
    trace,
    output,
    precision: readPrecision(given),
    tune: readTune(given),
    adapter: given.text("adapter"),
    force: given.has("force"),
    guide: await readGuide(given),
    model: await readModel(given),
  };
}

/** Both outputs are put together in memory. */
const mostOutputBytes = 2 ** 31;

async function run(settings: Settings, context: Context): Promise<void> {
  const { output, precision, tune, force } = settings;
  await refuseOutput(output, { force });
  const { report, signal } = context;
  await withModelAndGuide(context, settings.model, settings.guide, (model, guide) =>
    withTensors(settings.trace, async (opened) => {
      requirePictureModel(model);
      const { trace, guided } = await readTrace(opened, model, guide);
      sayAssumed(model, report);
      const device = await announceDevice(context, settings.adapter);
      const loaded: { dispose(): void }[] = [];
      try {
        const networks = [model.checkpoint, ...(guide ? [guide.checkpoint] : [])];
        const choices = await tunedChoices(context, device, networks, { precision, tune });
        const network = await UNet.load(device, model.checkpoint, { precision, choices, signal });
        loaded.push(network);
        const classifier =
          guide && (await Classifier.load(device, guide.checkpoint, { weightType: precision, choices, signal }));
        if (classifier) loaded.push(classifier);
        const guidance = classifier && guided && { ...guided, classifier };
        const begin = performance.now();
        const metadata = { adapter: adapterName(device.info), precision };
        const file = await replayAll(context, network, { ...trace, guidance }, metadata);
        const seconds = (performance.now() - begin) / 1000;
        await writeFileAtomic(output, file, { force });
        const modelCalls = replayCalls(trace);
        report.event("replayed", { file: output, modelCalls, seconds, precision, classifierScale: guided?.scale });
        report.say(`Replayed ${modelCalls} model calls in ${seconds.toFixed(1)} s; wrote ${output}`);
      } finally {
        for (const network of loaded) network.dispose();
      }
    }),
  );
}

async function replayAll(
  { report, signal }: Context,
  network: UNet,
  trace: Trace,
  metadata: Record<string, string>,
): Promise<Uint8Array> {
  const { batch, channels, height, width } = trace.shape;
  const length = batch * channels * height * width;
  const calls = replayCalls(trace);
  const shape = [calls, batch, channels, height, width];
  const samples = new Float32Array(calls * length);
  const xStart = new Float32Array(calls * length);
  const keep = ({ step, sample, xStart: predicted }: ReplayStep): void => {
    samples.set(sample, (step - 1) * length);
    xStart.set(predicted, (step - 1) * length);
  };
  for await (const step of replay(network, trace, signal)) {
    keep(step);
    report.event("progress", { step: step.step, steps: step.steps });
    report.progress({ what: "model calls", done: step.step, total: step.steps });
  }
  report.endProgress();
  return writeSafetensors(
    [
      { name: "samples", dtype: "F32", shape, data: samples },
      { name: "pred_xstart", dtype: "F32", shape, data: xStart },
    ],
    metadata,
  );
}

/** What of the guidance the trace says; the classifier is loaded later. */
type Guided = Omit<Guidance, "classifier">;

/** Checked against the networks as far as shapes go; the rest is checked by `replay` itself. @throws InputError */
async function readTrace(
  { file, source }: OpenTensors,
  { checkpoint }: OpenModel,
  guide: OpenGuide | undefined,
): Promise<{ trace: Trace; guided: Guided | undefined }> {
  const settings = readCase(file.name, file.metadata.get("case"));
  const scale = guideScale(file.name, settings, guide);
  const { config, diffusion } = checkpoint;
  const check = new TensorCheck(file);
  const image = check.tensor("gt", ["N", config.inChannels, "H", "W"], "float");
  const [batch, channels, height, width] = image?.shape ?? (["N", config.inChannels, "H", "W"] as const);
  check.tensor("keep_mask", [batch!, 1, height!, width!], "float");
  const noise = check.tensor("noise", ["draws", batch!, channels!, height!, width!], "float");
  check.expect(!noise || noise.dtype === "F32", `noise: expected F32, got ${noise?.dtype}`);
  const takesLabels = config.numClasses !== null || guide !== undefined;
  const hasLabels = takesLabels && (file.tensors.has("y") || settings.y === undefined);
  if (hasLabels) check.tensor("y", [batch!], "number");
  check.finish();
  const shape = {
    batch: image!.shape[0]!,
    channels: image!.shape[1]!,
    height: image!.shape[2]!,
    width: image!.shape[3]!,
  };
  const length = shape.batch * shape.channels * shape.height * shape.width;
  const diffusionSteps = settings.diffusionSteps ?? diffusion.diffusionSteps;
  const outputBytes = 2 * 4 * length * replayCalls({ ...settings, diffusionSteps });
  if (outputBytes > mostOutputBytes)
    throw new InputError(
      `${file.name}: its samples would take ${bytes(outputBytes)} and at most ${bytes(mostOutputBytes)} are written: record fewer images or steps`,
    );
  if (guide) requireClassifierSize(guide.checkpoint.config, shape);
  const labels = hasLabels ? await readIntegers(file, "y") : settings.y;
  const trace = {
    shape,
    known: { image: await readFloat32(file, "gt"), keep: await readFloat32(file, "keep_mask") },
    classes: config.numClasses === null ? undefined : labels,
    draws: noise!.shape[0]!,
    noise: (draw: number) => readDraw(source, noise!, draw, length),
    run: settings.run,
    respacing: settings.respacing,
    noiseSchedule: settings.noiseSchedule ?? diffusion.noiseSchedule,
    diffusionSteps,
    rescaleTimesteps: diffusion.rescaleTimesteps,
  };
  return { trace, guided: scale === undefined ? undefined : { scale, classes: labels! } };
}

/** undefined: not guided. @throws InputError where trace and options disagree on whether it is */
function guideScale(
  name: string,
  { classifier, scale }: RecordedCase,
  guide: OpenGuide | undefined,
): number | undefined {
  const isGuided = classifier !== undefined || scale !== undefined;
  if (isGuided && !guide)
    throw new InputError(
      `${name}: recorded with the guidance of a classifier${classifier === undefined ? "" : ` (${quoted(classifier)})`}: give it with --classifier F`,
    );
  if (guide && !isGuided)
    throw new InputError(`${name}: recorded without a classifier: leave --classifier away, or choose a guided trace`);
  return guide && (guide.scale ?? scale ?? 1);
}

async function readDraw(
  source: OpenTensors["source"],
  noise: TensorInfo,
  draw: number,
  length: number,
): Promise<Float32Array> {
  const read = await source.read(noise.begin + draw * length * 4, length * 4);
  if (read.length !== length * 4)
    throw new InputError(`${source.name} ends in draw ${draw} of its noise: was it cut off?`);
  // A copy starts at 0, where a Float32Array may.
  return new Float32Array(Uint8Array.from(read).buffer);
}
