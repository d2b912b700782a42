/**
 * `repaint doctor`: what this machine offers, what would be chosen on it, and whether it computes correctly. The
 * self-test is one forward of the shipped model against PyTorch's output, in both precisions, and the noise generator
 * against numbers of its algorithm. Not here: thorough tests of every kernel (npm test).
 */
import { join } from "node:path";
import { adapterName, type Device } from "../engine/device.ts";
import { packageInfo, weightsFolder } from "../node/packageFiles.ts";
import { chooseConvolution, type ConvolutionLayer } from "../shaders/chooseConvolution.ts";
import { relativeError } from "../unet/floats.ts";
import { readFloat32 } from "../unet/safetensors.ts";
import { UNet } from "../unet/unet.ts";
import { adapterOption, type Arguments, type Command, jsonOption } from "./command.ts";
import { announceDevice, type Context } from "./context.ts";
import { modelHash, type OpenModel, withModel } from "./model.ts";
import { noiseError, noiseTolerance } from "./noiseCheck.ts";
import { defaultPreset } from "./settings.ts";
import { withTensors } from "./tensorFiles.ts";
import { tunedChoices } from "./tune.ts";
import { forwardOnce } from "./unet.ts";
import { bytes } from "./words.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "look at the adapter and test whether it computes correctly",
  options: [adapterOption, jsonOption],
  notes: ["Exit status 1 if the adapter computes wrongly, 3 if there is none."],
  run,
};

/** Of ‖out − reference‖ / ‖reference‖: f32's rounding with a coarse exp, and ten bits of f16 through a whole network. */
const tolerances = { f32: 5e-5, f16: 1e-2 } as const;

const shownLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const;

const exampleLayer: ConvolutionLayer = {
  ...{ kernel: 3, stride: 1, activation: "none", pad: 1, bias: true, residual: false },
  ...{ height: 32, width: 32, outHeight: 32, outWidth: 32, channels0: 64, channels1: 0, outChannels: 64 },
  ...{ activations: "f32", weights: "f32" },
};

async function run(context: Context, given: Arguments): Promise<number> {
  const { report } = context;
  const { version } = await packageInfo();
  const machine = { version, node: process.version, platform: process.platform, arch: process.arch };
  report.event("machine", machine);
  report.print(`repaint-webgpu ${version}, Node ${process.version}, ${process.platform} ${process.arch}`);
  return withModel(context, undefined, undefined, async (model) => {
    await modelHash(model, context);
    const device = await announceDevice(context, given.text("adapter"));
    describeDevice(context, device);
    let correct = true;
    for (const precision of ["f32", "f16"] as const)
      correct = (await selfTest(context, device, model, { precision, given })) && correct;
    correct = (await testNoise(context, device)) && correct;
    report.event("verdict", { correct });
    report.print(
      correct
        ? "This adapter computes correctly."
        : "This adapter computes wrongly: update its driver, or choose another one with --adapter; pictures made on it cannot be trusted.",
    );
    return correct ? 0 : 1;
  });
}

function describeDevice({ report }: Context, device: Device): void {
  const { gpu, info, kind, half } = device;
  const features = [...gpu.features].sort();
  const limits = Object.fromEntries(shownLimits.map((name) => [name, device.limits[name]]));
  const { id } = chooseConvolution(exampleLayer, device);
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
      `              preset ${chosen.preset} where none is given`,
    ].join("\n"),
  );
}

/** One forward against its stored answer. */
async function selfTest(
  context: Context,
  device: Device,
  { checkpoint, shipped }: OpenModel,
  { precision, given }: { precision: "f32" | "f16"; given: Arguments },
): Promise<boolean> {
  return withTensors(join(weightsFolder, shipped!.selfTest), async ({ file }) => {
    const { report, signal } = context;
    // With the kernels that other commands use, so that the test is of those.
    const choices = await tunedChoices(context, device, [checkpoint], { precision, given });
    const network = await UNet.load(device, checkpoint, { precision, choices, signal });
    try {
      const [batch, channels, height, width] = file.tensors.get("x")!.shape as [number, number, number, number];
      const x = { shape: { batch, channels, height, width }, values: await readFloat32(file, "x") };
      const t = [...(await readFloat32(file, "t"))];
      const { out, seconds } = await forwardOnce(device, network, { x, t, lowRes: undefined, y: undefined });
      const error = relativeError(out, await readFloat32(file, "out"));
      const tolerance = tolerances[precision];
      const correct = error <= tolerance;
      report.event("selfTest", { precision, relativeError: error, tolerance, correct, seconds });
      report.print(
        `Self-test     ${precision}: relative error ${error.toExponential(1)} (at most ${tolerance}), ` +
          `${(seconds * 1000).toFixed(0)} ms a forward: ${correct ? "right" : "WRONG"}`,
      );
      return correct;
    } finally {
      network.dispose();
    }
  });
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
