/**
 * `repaint classifier`: logits of a noise-aware classifier, and the gradient that guidance takes, on tensors of a file.
 * How anybody compares an adapter with PyTorch. Formats: x [N, C, H, W], t [N] and y [N] in; logits [N, classes] and
 * grad [N, C, H, W] = ∇ₓ Σ log softmax(logits)[y] out.
 */
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import { Classifier, requireClassifierSize } from "../../unet/classifier.ts";
import { readFloat32, writeSafetensors } from "../../files/safetensors.ts";
import { InputError } from "../../errors.ts";
import { adapterOption, type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { flagsOption, networkOption } from "../given/flags.ts";
import {
  type ModelSettings,
  type OpenClassifier,
  readModel,
  sayAssumedOfClassifier,
  withClassifier,
} from "../given/model.ts";
import { readIntegers, TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { bytes as bytesInWords } from "../../text/quantities.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tunedChoices, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { forwardProgress, readTimesteps } from "../tasks/forward.ts";
import { classifyOnce, type ClassifierInputs } from "../tasks/classify.ts";
import { about } from "../values.ts";
import { precisions, type Precision } from "../../numbers/storage.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

interface Settings {
  readonly model: ModelSettings;
  readonly input: string;
  readonly output: string;
  readonly weightType: Precision | undefined;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
  readonly force: boolean;
}

export const classifierCommand: Command<Settings> = {
  name: "classifier",
  summary: "run a classifier and its gradient once on the tensors of a safetensors file",
  options: [
    { name: "weights", value: "F", help: "classifier checkpoint (.pt or .safetensors), or its https address" },
    { name: "input", value: "F", help: "safetensors with x, t and y" },
    { name: "output", value: "F", help: "safetensors to write: logits, and grad of Σ log softmax(logits)[y] to x" },
    flagsOption,
    networkOption,
    { name: "weight-type", value: "f16|f32", help: "storage of weights (default f32); the rest is f32" },
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const [, input, output] = [given.required("weights"), given.required("input"), given.required("output")];
  return {
    input,
    output,
    weightType: given.choice("weight-type", precisions),
    tune: readTune(given),
    adapter: given.text("adapter"),
    force: given.has("force"),
    model: await readModel(given),
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { output, weightType, tune, force } = settings;
  const { report, signal } = context;
  await refuseOutput(output, { force });
  const classify = ({ checkpoint }: OpenClassifier) =>
    withTensors(settings.input, async ({ file }) => {
      const inputs = await readInputs(file, checkpoint);
      sayAssumedOfClassifier(checkpoint, report, "flags");
      const device = await announceDevice(context, settings.adapter);
      const choices = await tunedChoices(context, device, [checkpoint], { precision: "f32", weightType, tune });
      const classifier = await Classifier.load(device, checkpoint, { weightType, choices, signal });
      try {
        const { logits, grad, seconds, deviceBytes } = await classifyOnce(device, classifier, inputs, {
          signal,
          onProgress: forwardProgress(report),
        });
        report.endProgress();
        const { batch, channels, height, width } = inputs.shape;
        const shape = [batch, channels, height, width];
        const tensors = [
          { name: "logits", dtype: "F32" as const, shape: [batch, classifier.classes], data: logits },
          { name: "grad", dtype: "F32" as const, shape, data: grad },
        ];
        await writeFileAtomic(output, writeSafetensors(tensors, { adapter: adapterName(device.info) }), { force });
        report.event("classified", { file: output, shape, classes: classifier.classes, seconds, deviceBytes });
        report.say(`Memory: ${bytesInWords(deviceBytes)} of buffers on the device`);
        report.say(
          `Logits of ${classifier.classes} classes and the gradient to [${shape.join(", ")}] in ${seconds.toFixed(3)} s; wrote ${output}`,
        );
      } finally {
        classifier.dispose();
      }
    });
  await withClassifier(context, settings.model, classify, "--weights");
}

async function readInputs(file: TensorFile, { config, architecture }: ClassifierCheckpoint): Promise<ClassifierInputs> {
  const check = new TensorCheck(file);
  const x = check.tensor("x", ["N", config.inChannels, "H", "W"], "float");
  const images = x?.shape[0] ?? "N";
  check.tensor("t", [images], "number");
  check.tensor("y", [images], "number");
  check.finish();
  const [batch = 0, channels = 0, height = 0, width = 0] = x!.shape;
  about(file.name, () => requireClassifierSize(config, { batch, height, width }));
  const y = await readIntegers(file, "y");
  const wrong = y.find((label) => label < 0 || label >= architecture.outChannels);
  if (wrong !== undefined)
    throw new InputError(`${file.name}: y: expected classes from 0 to ${architecture.outChannels - 1}, got ${wrong}`);
  return {
    shape: { batch, channels, height, width },
    x: await readFloat32(file, "x"),
    t: readTimesteps(file.name, [...(await readFloat32(file, "t"))]),
    y,
  };
}
