/**
 * Replays a recorded run with its own noise: how anybody checks an adapter against PyTorch. RePaint's steps are taken
 * apart where they must be (samplers/repaint.ts): a trace shows x before the next step blends into it.
 */
import { InputError } from "../errors.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { UNet } from "../unet/unet.ts";
import { createDiffusion, requireSteps } from "./diffusion.ts";
import type { Guidance } from "./guidance.ts";
import { stateLayout, type RecordedStep, type RunPlan } from "./runPlan.ts";
import { planLangevin } from "./samplers/langevin.ts";
import { planRecordedRePaint } from "./samplers/repaint.ts";
import { respacedTimesteps } from "./respacing.ts";
import { resolveSampling, samplingCalls, type LangevinSampling } from "./sampling.ts";
import { countModelCalls } from "./schedule.ts";
import { State, type Known } from "./state.ts";

/** What was recorded: RePaint's times, as its program walks them, or the settings of a Langevin run. */
export type RecordedRun =
  | { readonly sampler: "repaint"; readonly times: readonly number[] }
  | Omit<LangevinSampling, "levels" | "respacing" | "strength">;

export interface Trace {
  readonly shape: ImageShape;
  readonly known: Known;
  readonly classes?: readonly number[] | undefined;
  readonly guidance?: Guidance | undefined;
  /**
   * Every Gaussian draw in order. Langevin: the start, the known region's noise there, one per inner step. RePaint: the
   * start; per reverse step the sampling noise, then the known region's (from the second model call on); one per
   * climbed step.
   */
  readonly draws: number;
  readonly noise: (draw: number) => Promise<ArrayLike<number>>;
  readonly run: RecordedRun;
  readonly respacing: string;
  readonly noiseSchedule: "linear" | "cosine";
  readonly diffusionSteps: number;
  readonly rescaleTimesteps?: boolean | undefined;
}

/** What a model call left: both NCHW. */
export interface ReplayStep {
  readonly step: number;
  readonly steps: number;
  /** x_{k−1} as it was sampled: not blended, nothing pasted. */
  readonly sample: Float32Array;
  readonly xStart: Float32Array;
}

/** @throws InputError when the noise is too short or too long for the steps, or the times are no walk */
export async function* replay(
  unet: UNet,
  trace: Trace,
  signal?: AbortSignal,
): AsyncGenerator<ReplayStep, void, undefined> {
  const { shape, known, classes, guidance } = trace;
  const plan = planTrace(unet.checkpoint, trace);
  const steps = plan.steps.filter(({ call }) => call !== undefined).length;
  const expected = plan.steps.reduce((sum, { draws }) => sum + draws.length, 1);
  if (trace.draws !== expected)
    throw new InputError(
      `noise: expected ${expected} draws for ${steps} model calls and what is between them, got ${trace.draws}`,
    );
  const state = await State.create({ unet, shape, plan, known, classes, guidance, noise: "injected" });
  try {
    let draw = 0;
    let step = 0;
    state.setNoise("start", await trace.noise(draw++));
    for (const recorded of plan.steps) {
      signal?.throwIfAborted();
      for (const target of recorded.draws) state.setNoise(target, await trace.noise(draw++));
      state.perform(recorded);
      if (recorded.call === undefined) continue;
      step++;
      yield { step, steps, sample: await state.read("x"), xStart: await state.read("xStart") };
    }
  } finally {
    state.dispose();
  }
}

/** @throws InputError for a respacing or settings that are none */
export function replayCalls({
  run,
  respacing,
  diffusionSteps,
}: Pick<Trace, "run" | "respacing" | "diffusionSteps">): number {
  if (run.sampler === "repaint") return countModelCalls(run.times);
  return samplingCalls(langevinOf(run, respacedTimesteps(diffusionSteps, respacing).length));
}

function langevinOf(run: Exclude<RecordedRun, { sampler: "repaint" }>, levels: number): LangevinSampling {
  const sampling = { ...run, levels };
  resolveSampling(sampling);
  return sampling;
}

function planTrace(
  { diffusion: settings, architecture }: UNet["checkpoint"],
  { shape, guidance, run, respacing, noiseSchedule, diffusionSteps, rescaleTimesteps = false }: Trace,
): RunPlan<RecordedStep> {
  const diffusion = createDiffusion({ noiseSchedule, diffusionSteps, respacing, rescaleTimesteps });
  const context = {
    diffusion,
    settings,
    layout: stateLayout(shape, architecture.outChannels),
    hasKnown: true,
    scale: guidance?.scale ?? 0,
  };
  if (run.sampler === "langevin") return planLangevin(langevinOf(run, diffusion.steps), context);
  const plan = planRecordedRePaint(run.times, context);
  requireSteps(diffusion, { steps: run.times[0]! + 1 });
  return plan;
}
