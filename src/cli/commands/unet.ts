/**
 * `repaint unet`: one forward of a network on tensors of a file. How anybody compares an adapter with PyTorch.
 * Formats: x [N, C, H, W], t [N], y [N] for class-conditional networks, low_res [N, C, h, w] for super-resolution;
 * other tensors of the input are not looked at.
 */
import { InputError } from "../../errors.ts";
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
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
import { type ModelSettings, type OpenModel, readModel, sayAssumed, withModel } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { readIntegers, TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { bytes as bytesInWords } from "../../text/quantities.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tunedChoices, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { checkInputs, readTimesteps, forwardProgress, forwardOnce, type ForwardInputs } from "../tasks/forward.ts";
import { precisions, type Precision } from "../../numbers/storage.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

interface Settings {
  readonly model: ModelSettings;
  readonly input: string;
  readonly output: string;
  readonly precision: Precision;
  /** undefined: as `precision`. */
  readonly weightType: Precision | undefined;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
  readonly force: boolean;
}

export const unetCommand: Command<Settings> = {
  name: "unet",
  summary: "run a network once on the tensors of a safetensors file",
  options: [
    weightsOption,
    { name: "input", value: "F", help: "safetensors with x, t, and y or low_res where the network takes them" },
    { name: "output", value: "F", help: "safetensors to write: out, in float32" },
    flagsOption,
    networkOption,
    precisionOption,
    { name: "weight-type", value: "f16|f32", help: "storage of weights (default: as --precision)" },
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
    precision: readPrecision(given),
    weightType: given.choice("weight-type", precisions),
    tune: readTune(given),
    adapter: given.text("adapter"),
    force: given.has("force"),
    model: await readModel(given),
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { output, precision, weightType, tune, force } = settings;
  await refuseOutput(output, { force });
  await withModel(context, settings.model, (model) =>
    withTensors(settings.input, async ({ file }) => {
      const inputs = await readInputs(file, model, context);
      sayAssumed(model, context.report, { diffusion: false });
      const device = await announceDevice(context, settings.adapter);
      const { signal } = context;
      const choices = await tunedChoices(context, device, [model.checkpoint], { precision, weightType, tune });
      const network = await UNet.load(device, model.checkpoint, { precision, weightType, choices, signal });
      try {
        signal.throwIfAborted();
        const { out, shape, seconds, deviceBytes } = await forwardOnce(device, network, inputs, {
          signal,
          onProgress: forwardProgress(context.report),
        });
        context.report.endProgress();
        const { batch, channels, height, width } = shape;
        const dimensions = [batch, channels, height, width];
        const metadata = { adapter: adapterName(device.info), precision };
        const bytes = writeSafetensors([{ name: "out", dtype: "F32", shape: dimensions, data: out }], metadata);
        await writeFileAtomic(output, bytes, { force });
        // Kibibytes, of this process; on a processor the device's memory is part of it.
        const residentBytes = process.resourceUsage().maxRSS * 1024;
        const memory = { deviceBytes, residentBytes };
        context.report.event("forward", { file: output, shape: dimensions, seconds, precision, ...memory });
        context.report.say(
          `Memory: ${bytesInWords(deviceBytes)} of buffers on the device, ${bytesInWords(residentBytes)} resident at most`,
        );
        context.report.say(`Forward of [${dimensions.join(", ")}] in ${seconds.toFixed(3)} s; wrote ${output}`);
      } finally {
        network.dispose();
      }
    }),
  );
}

async function readInputs(file: TensorFile, { checkpoint }: OpenModel, { report }: Context): Promise<ForwardInputs> {
  const { config } = checkpoint;
  const check = new TensorCheck(file);
  const { x, low } = checkInputs(check, config);
  check.finish();
  for (const name of ["y", "low_res"] as const)
    if (file.tensors.has(name) && !(name === "y" ? config.numClasses !== null : config.superRes))
      report.say(`${file.name}: this network takes no ${name}; it is not used.`);
  const image = async (name: string, [n, channels, h, w]: readonly number[]) => ({
    shape: { batch: n!, channels: channels!, height: h!, width: w! },
    values: await readFloat32(file, name),
  });
  const y = config.numClasses === null ? undefined : await readIntegers(file, "y");
  const wrong = y?.find((label) => label < 0 || label >= config.numClasses!);
  if (wrong !== undefined)
    throw new InputError(`${file.name}: y: expected classes from 0 to ${config.numClasses! - 1}, got ${wrong}`);
  return {
    x: await image("x", x!.shape),
    lowRes: low && (await image("low_res", low.shape)),
    t: readTimesteps(file.name, [...(await readFloat32(file, "t"))]),
    y,
  };
}
