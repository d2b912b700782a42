/**
 * Option --tune: what it says, and a network's layers tuned by it.
 */
import type { Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import { tuningFile } from "../../node/tuningFile.ts";
import { type TunedNetwork, tuneNetworks, type TuneOptions } from "../../unet/tuning.ts";
import { type Arguments, type Option, quoted } from "../command.ts";
import type { Context } from "../context.ts";
import type { ConvolutionChoices } from "../../operators/convolution/layer.ts";

export const tuneOption: Option = {
  name: "tune",
  value: "MS|off",
  help: "first time kernels for up to MS milliseconds; off: ignore what `tune` remembered, so that the bits stay the same",
};

/** Progress and warnings of a tuner on a command's report. */
export function reporting({ report }: Context): Pick<TuneOptions, "onProgress" | "onWarning"> {
  return {
    onProgress: ({ done, total, secondsLeft }) => report.progress({ what: "layers timed", done, total, secondsLeft }),
    onWarning: (message) => report.say(`Note: ${message}`),
  };
}

/** What --tune of a command says, for `RePaint.load`. @throws InputError */
export async function readTune(context: Context, given: Arguments): Promise<TuneOptions | "off"> {
  const value = given.text("tune");
  if (value === "off") return "off";
  const budget = value === undefined ? 0 : /^\d{1,7}$/.test(value) ? Number(value) : NaN;
  if (!(budget <= mostBudget))
    throw new InputError(`--tune: expected milliseconds up to ${mostBudget}, or off, got ${quoted(value!)}`);
  return { budget, store: await tuningFile(), ...reporting(context) };
}

/** The same for what loads networks itself: their kernels. */
export async function tunedChoices(
  context: Context,
  device: Device,
  networks: readonly Pick<TunedNetwork, "architecture">[],
  { given, ...storage }: Pick<TunedNetwork, "precision" | "weightType"> & { given: Arguments },
): Promise<ConvolutionChoices | undefined> {
  const tune = await readTune(context, given);
  if (tune === "off") return undefined;
  const tuned = networks.map(({ architecture }) => ({ architecture, ...storage }));
  const { answers } = await tuneNetworks(device, tuned, { ...tune, signal: context.signal });
  context.report.endProgress();
  return answers;
}

export const mostBudget = 3_600_000;
