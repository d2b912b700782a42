/**
 * A UNet2DModel of diffusers as a checkpoint. Loaded only for one: most pages never see such a file. Not here: telling
 * one from others (../recognise.ts).
 */
import { defaultDiffusion } from "../config.ts";
import { checkTensors } from "../infer.ts";
import { diffusersArchitecture } from "./config.ts";
import { underGuidedNames } from "./names.ts";
import { schedulerSettings } from "./scheduler.ts";
import { CheckpointError } from "../../errors.ts";
import { isDiffusersConfig, schedulerKey } from "../recognise.ts";
import type { OpenTensors } from "../../files/open.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Its scheduler is what `scheduler_config` in its config says, as that file of diffusers does; without, DDPM's.
 * @throws InputError for a config.json that describes no network of ours, CheckpointError for tensors that are not its
 * own
 */
export async function openDiffusers(file: OpenTensors, flags: unknown, configOf: () => Promise<unknown>) {
  const diffusersConfig = await completeConfig(file, flags, configOf);
  const architecture = diffusersArchitecture(diffusersConfig);
  const { config } = architecture;
  const renamed = underGuidedNames(file, architecture);
  checkTensors(architecture, renamed.tensors, file.name);
  const scheduler = diffusersConfig[schedulerKey];
  const told = isRecord(scheduler) ? schedulerSettings(scheduler) : undefined;
  // google/ddpm-* were trained with DDPM's linear schedule and sample with its smaller variance.
  const learnSigma = config.outChannels === 2 * config.inChannels;
  const diffusion = { ...defaultDiffusion, sigmaSmall: true, ...told, learnSigma };
  const guessed = ["diffusion_steps 1000", "noise_schedule linear", "sigma_small true", "predict_xstart false"];
  const assumed = [...file.assumed, ...(told ? [] : guessed)];
  return { file: renamed, config, diffusion, architecture, assumed, diffusersConfig };
}

/** What the flags say, and of what they leave out what stands in the file or beside it: network or scheduler. */
async function completeConfig(file: OpenTensors, flags: unknown, configOf: () => Promise<unknown>): Promise<Json> {
  const isOwn = isDiffusersConfig(flags);
  if (isOwn && schedulerKey in flags) return flags;
  if (flags === undefined || isOwn || isScheduler(flags)) {
    const found = await configOf();
    const config = isOwn ? flags : found;
    const scheduler = isScheduler(flags) ? flags : isRecord(found) ? found[schedulerKey] : undefined;
    if (isDiffusersConfig(config)) return scheduler === undefined ? config : { ...config, [schedulerKey]: scheduler };
  }
  throw new CheckpointError(
    `${file.name} is a UNet in diffusers' layout: give the config.json that stands beside it as its flags (--flags @config.json)`,
  );
}

/** Whether parsed flags are a scheduler_config.json. */
function isScheduler(flags: unknown): flags is Json {
  return isRecord(flags) && !isDiffusersConfig(flags) && ("beta_schedule" in flags || "prediction_type" in flags);
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}
