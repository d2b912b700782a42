/**
 * A UNet2DModel of diffusers as a checkpoint. Loaded only for one: most pages never see such a file. Not here: telling
 * one from others (../recognise.ts).
 */
import { defaultDiffusion } from "../config.ts";
import { checkTensors } from "../infer.ts";
import { diffusersArchitecture } from "./config.ts";
import { underGuidedNames } from "./names.ts";
import type { OpenTensors } from "../../files/open.ts";

/**
 * Its scheduler is DDPM's until flags of ours can say otherwise.
 * @throws InputError for a config.json that describes no network of ours, CheckpointError for tensors that are not its
 * own
 */
export function openDiffusers(file: OpenTensors, diffusersConfig: Readonly<Record<string, unknown>>) {
  const architecture = diffusersArchitecture(diffusersConfig);
  const { config } = architecture;
  const renamed = underGuidedNames(file, architecture);
  checkTensors(architecture, renamed.tensors, file.name);
  // google/ddpm-* were trained with DDPM's linear schedule and sample with its smaller variance.
  const diffusion = { ...defaultDiffusion, learnSigma: config.outChannels === 2 * config.inChannels, sigmaSmall: true };
  const assumed = [
    ...file.assumed,
    "diffusion_steps 1000",
    "noise_schedule linear",
    "sigma_small true",
    "predict_xstart false",
  ];
  return { file: renamed, config, diffusion, architecture, assumed, diffusersConfig };
}
