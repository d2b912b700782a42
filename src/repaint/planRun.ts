/**
 * From the settings of a run to its plan: the diffusion of the network as the run visits it, and the sampler that is
 * asked for.
 */
import type { DiffusionSettings } from "../checkpoints/config.ts";
import { InputError } from "../errors.ts";
import { createDiffusion, requireSteps, type Diffusion } from "./diffusion.ts";
import type { PlanContext, RunPlan } from "./runPlan.ts";
import { noiseLevels, type Sampling } from "./sampling.ts";

/** The diffusion that a network was trained with, respaced for a run. @throws InputError */
export function diffusionOf(
  { diffusionSteps, noiseSchedule, rescaleTimesteps }: DiffusionSettings,
  sampling: Sampling,
): Diffusion {
  const levels = noiseLevels(sampling);
  const { respacing } = sampling;
  if (respacing === undefined && levels > diffusionSteps)
    throw new InputError(
      `${sampling.sampler === "repaint" ? "steps" : "levels"}: this network was trained with ${diffusionSteps} diffusion steps, so a run can have at most as many, got ${levels}`,
    );
  const diffusion = createDiffusion({
    noiseSchedule,
    diffusionSteps,
    respacing: respacing ?? String(levels),
    rescaleTimesteps,
  });
  requireSteps(diffusion, { steps: levels });
  return diffusion;
}

type Planner<S extends Sampling> = (sampling: S, context: PlanContext) => RunPlan;

/** Each apart, so that pages download the sampler that they use. */
const planners: { readonly [S in Sampling as S["sampler"]]: () => Promise<Planner<S>> } = {
  langevin: async () => (await import("./samplers/langevin.ts")).planLangevin,
  repaint: async () => (await import("./samplers/repaint.ts")).planRePaint,
};

/** A run by the sampler that its settings name. @throws InputError */
export async function planRun(sampling: Sampling, context: PlanContext): Promise<RunPlan> {
  const plan = (await planners[sampling.sampler]()) as Planner<Sampling>;
  return plan(sampling, context);
}
