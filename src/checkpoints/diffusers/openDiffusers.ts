/**
 * A UNet2DModel of diffusers as a checkpoint. Loaded only for one: most pages never see such a file. Not here: telling
 * one from others (../recognise.ts).
 */
import { defaultDiffusion } from "../config.ts";
import { checkTensors } from "../infer.ts";
import { diffusersArchitecture } from "./config.ts";
import { underGuidedNames } from "./names.ts";
import { schedulerSettings } from "./scheduler.ts";
import { schedulerKey } from "../recognise.ts";
import type { OpenTensors } from "../../files/open.ts";

/**
 * Its scheduler is what `scheduler_config` in its config says, as that file of diffusers does; without, DDPM's.
 * @throws InputError for a config.json that describes no network of ours, CheckpointError for tensors that are not its
 * own
 */
export function openDiffusers(file: OpenTensors, diffusersConfig: Readonly<Record<string, unknown>>) {
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
