/**
 * `repaint doctor`: what this machine offers, what would be chosen on it, and whether it computes correctly. The
 * self-test is every shipped network against what PyTorch computes (UNets in both precisions, of classifiers the
 * gradient too), and the noise generator against numbers of its algorithm. Not here: thorough tests of every kernel
 * (npm test).
 */
import { join } from "node:path";
import type { Device } from "../../engine/device.ts";
import { packageInfo, shippedModels, weightsFolder } from "../../node/packageFiles.ts";
import { chooseConvolution } from "../../operators/convolution/candidates.ts";
import { loadTraits } from "../../operators/traits.ts";
import { relativeError } from "../../numbers/floats.ts";
import { Classifier } from "../../unet/classifier.ts";
import { readFloat32 } from "../../files/safetensors.ts";
import { UNet } from "../../unet/unet.ts";
import { adapterOption, type Command, jsonOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { modelHash, type OpenClassifier, type OpenModel, withClassifier, withModel } from "../given/model.ts";
import { noiseError, noiseTolerance } from "../tasks/noiseCheck.ts";
import { defaultPreset } from "../given/sampling.ts";
import type { Report } from "../../node/report.ts";
import { readIntegers, withTensors } from "../files/tensorFiles.ts";
import { bytes } from "../../text/quantities.ts";
import { adapterName } from "../../engine/adapter.ts";
import type { ConvolutionLayer } from "../../operators/convolution/layer.ts";
import { tunedChoices } from "../given/tuning.ts";
import { forwardOnce } from "../tasks/forward.ts";
import { classifyOnce } from "../tasks/classify.ts";
import { precisions, type Precision } from "../../numbers/storage.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

interface Settings {
  readonly adapter: string | undefined;
}

export const doctorCommand: Command<Settings> = {
  name: "doctor",
  summary: "look at the adapter and test whether it computes correctly",
  options: [adapterOption, jsonOption],
  notes: ["Exit status 1 if the adapter computes wrongly, 3 if there is none."],
  parse: (given) => ({ adapter: given.text("adapter") }),
  run,
};

/**
 * Of ‖out − reference‖ / ‖reference‖: f32's rounding with a coarse exp, and ten bits of f16 through a whole network.
 */
const tolerances = { f32: 5e-5, f16: 1e-2, gradient: 2e-4 } as const;

const shownLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const;

const exampleLayer: ConvolutionLayer = {
  kernel: 3,
  stride: 1,
  activation: "none",
  pad: 1,
  bias: true,
  residual: false,
  height: 32,
  width: 32,
  outHeight: 32,
  outWidth: 32,
  channels0: 64,
  channels1: 0,
  outChannels: 64,
  activations: "f32",
  weights: "f32",
};

async function run({ adapter }: Settings, context: Context): Promise<number> {
  const { report } = context;
  const { version } = await packageInfo();
  const machine = { version, node: process.version, platform: process.platform, arch: process.arch };
  report.event("machine", machine);
  report.print(`repaint-webgpu ${version}, Node ${process.version}, ${process.platform} ${process.arch}`);
  const device = await announceDevice(context, adapter);
  await describeDevice(context, device);
  const verdicts: boolean[] = [];
  for (const { name, kind } of await shippedModels()) {
    const test =
      kind === "classifier"
        ? withClassifier(context, { weights: name }, (model) => testClassifier(context, device, model))
        : withModel(context, { weights: name }, (model) => testUNet(context, device, model));
    verdicts.push(await test);
  }
  verdicts.push(await testNoise(context, device));
  const correct = verdicts.every(Boolean);
  report.event("verdict", { correct });
  report.print(
    correct
      ? "This adapter computes correctly."
      : "This adapter computes wrongly: update its driver, or choose another one with --adapter; pictures made on it cannot be trusted.",
  );
  return correct ? 0 : 1;
}

async function describeDevice({ report }: Context, device: Device): Promise<void> {
  const { gpu, info, kind, half } = device;
  const traits = await loadTraits(device);
  const { matrix } = traits;
  const features = [...gpu.features].sort();
  const limits = Object.fromEntries(shownLimits.map((name) => [name, device.limits[name]]));
  const { id } = chooseConvolution(exampleLayer, traits);
  const chosen = { kind, half, convolution: id, preset: defaultPreset(kind) };
  report.event("device", { adapter: adapterName(info), features, limits, chosen });
  const inBytes = (name: string, value: number) => (/Size/.test(name) ? bytes(value) : String(value));
  report.print(
    [
      `Adapter       ${adapterName(info)}`,
      `Kind          ${kind === "cpu" ? "processor (software)" : "GPU"}`,
      `Features      ${features.join(", ")}`,
      ...Object.entries(limits).map(
        ([name, value], i) => `${i === 0 ? "Limits" : ""}`.padEnd(14) + `${name} ${inBytes(name, value)}`,
      ),
      `Chosen        ${id} for a 3x3 convolution of 64 channels at 32x32`,
      `              f16 ${half === "native" ? "by shader-f16" : "packed in pairs (no shader-f16 here)"}; arithmetic in f32`,
      ...(matrix
        ? [`              f16 convolutions on subgroup matrices of ${matrix.rows}×${matrix.columns}×${matrix.depth}`]
        : []),
      `              preset ${chosen.preset} where none is given`,
    ].join("\n"),
  );
}

/** A forward in both precisions against its stored answer. */
async function testUNet(context: Context, device: Device, model: OpenModel): Promise<boolean> {
  const { checkpoint, shipped, name } = model;
  const { signal } = context;
  await modelHash(model, context);
  return withTensors(join(weightsFolder, shipped!.selfTest), async ({ file }) => {
    const { x, t, y } = await readInputs(file);
    let correct = true;
    for (const precision of precisions) {
      // With the kernels that other commands use, so that the test is of those.
      const choices = await tunedChoices(context, device, [checkpoint], { precision, tune: 0 });
      const network = await UNet.load(device, checkpoint, { precision, choices, signal });
      try {
        const { out, seconds } = await forwardOnce(device, network, { x, t, y, lowRes: undefined });
        const error = relativeError(out, await readFloat32(file, "out"));
        const facts = { model: name, precision, relativeError: error, tolerance: tolerances[precision], seconds };
        correct = tell(context.report, facts) && correct;
      } finally {
        network.dispose();
      }
    }
    return correct;
  });
}

/** Logits and gradient against their stored answers. */
async function testClassifier(context: Context, device: Device, model: OpenClassifier): Promise<boolean> {
  const { checkpoint, shipped, name } = model;
  const { signal } = context;
  await modelHash(model, context);
  return withTensors(join(weightsFolder, shipped!.selfTest), async ({ file }) => {
    const { x, t, y } = await readInputs(file);
    const precision = "f32" as const;
    const choices = await tunedChoices(context, device, [checkpoint], { precision, tune: 0 });
    const classifier = await Classifier.load(device, checkpoint, { choices, signal });
    try {
      const inputs = { shape: x.shape, x: x.values, t, y: y! };
      const { logits, grad, seconds } = await classifyOnce(device, classifier, inputs);
      const answers = [
        { relativeError: relativeError(logits, await readFloat32(file, "logits")), tolerance: tolerances.f32 },
        { relativeError: relativeError(grad, await readFloat32(file, "grad")), tolerance: tolerances.gradient },
      ] as const;
      const shares = answers.map((answer) => answer.relativeError / answer.tolerance);
      const worst = shares[0]! >= shares[1]! ? answers[0] : answers[1];
      return tell(context.report, { model: name, precision, ...worst, seconds });
    } finally {
      classifier.dispose();
    }
  });
}

async function readInputs(file: TensorFile) {
  const [batch, channels, height, width] = file.tensors.get("x")!.shape as [number, number, number, number];
  return {
    x: { shape: { batch, channels, height, width }, values: await readFloat32(file, "x") },
    t: [...(await readFloat32(file, "t"))],
    y: file.tensors.has("y") ? await readIntegers(file, "y") : undefined,
  };
}

interface SelfTest extends Record<string, unknown> {
  readonly model: string;
  readonly precision: Precision;
  readonly relativeError: number;
  readonly tolerance: number;
  readonly seconds: number;
}

function tell(report: Report, facts: SelfTest): boolean {
  const { model, precision, relativeError: error, tolerance, seconds } = facts;
  const correct = error <= tolerance;
  report.event("selfTest", { ...facts, correct });
  report.print(
    `Self-test     ${model}, ${precision}: relative error ${error.toExponential(1)} (at most ${tolerance}), ` +
      `${(seconds * 1000).toFixed(0)} ms: ${correct ? "right" : "WRONG"}`,
  );
  return correct;
}

async function testNoise({ report }: Context, device: Device): Promise<boolean> {
  const error = await noiseError(device);
  const correct = error <= noiseTolerance;
  report.event("noiseTest", { error, tolerance: noiseTolerance, correct });
  report.print(
    `              noise: difference ${error.toExponential(1)} (at most ${noiseTolerance}): ${correct ? "right" : "WRONG"}`,
  );
  return correct;
}
