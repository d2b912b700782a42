/** Option --tune, and a network's layers tuned as it says. Not here: timing (src/engine/tuning/tuner.ts). */
import type { Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import { tuningFile } from "../../node/tuningFile.ts";
import type { ConvolutionChoices } from "../../operators/convolution/layer.ts";
import { type TunedNetwork, tuneNetworks, type TuneOptions } from "../../unet/tuning.ts";
import type { Arguments, Option } from "../command.ts";
import type { Context } from "../context.ts";
import { quoted } from "../../text/quoted.ts";

export const tuneOption: Option = {
  name: "tune",
  value: "MS|off",
  help: "first time kernels for up to MS milliseconds; off: ignore what `tune` remembered, so that the bits stay the same",
};

/** Milliseconds for timing kernels first; 0: what is remembered. "off": the shipped table alone. */
export type TuneSettings = number | "off";

export const mostBudget = 3_600_000;

/** @throws InputError */
export function readTune(given: Arguments): TuneSettings {
  const value = given.text("tune") ?? "0";
  if (value === "off") return "off";
  const budget = /^\d{1,7}$/.test(value) ? Number(value) : NaN;
  if (!(budget <= mostBudget))
    throw new InputError(`--tune: expected milliseconds up to ${mostBudget}, or off, got ${quoted(value)}`);
  return budget;
}

/** For `RePaint.load`: remembered in a file, progress and warnings on the command's report. */
export async function tuneOptions(context: Context, budget: TuneSettings): Promise<TuneOptions | "off"> {
  if (budget === "off") return "off";
  return { budget, store: await tuningFile(), ...reporting(context) };
}

/** Progress and warnings of a tuner on a command's report. */
export function reporting({ report }: Context): Pick<TuneOptions, "onProgress" | "onWarning"> {
  return {
    onProgress: ({ done, total, secondsLeft }) => report.progress({ what: "layers timed", done, total, secondsLeft }),
    onWarning: (message) => report.say(`Note: ${message}`),
  };
}

/** The kernels of networks that a command loads by itself; undefined: as the shipped table says. */
export async function tunedChoices(
  context: Context,
  device: Device,
  networks: readonly Pick<TunedNetwork, "architecture">[],
  { tune, precision, weightType }: Pick<TunedNetwork, "precision" | "weightType"> & { tune: TuneSettings },
): Promise<ConvolutionChoices | undefined> {
  const options = await tuneOptions(context, tune);
  if (options === "off") return undefined;
  const tuned = networks.map(({ architecture }) => ({ architecture, precision, weightType }));
  const { answers } = await tuneNetworks(device, tuned, { ...options, signal: context.signal });
  context.report.endProgress();
  return answers;
}
