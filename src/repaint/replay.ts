/**
 * Replays a recorded run with its own noise, climbs step by step, in the order of RePaint's program: how anybody
 * checks an adapter against PyTorch. Unfused where it must be: a trace shows x before the next step blends into it.
 */
import { InputError } from "../errors.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { UNet } from "../unet/unet.ts";
import { createDiffusion, climbCoefficients, forwardCoefficients, requireSteps } from "./diffusion.ts";
import type { Guidance } from "./guidance.ts";
import { reverseKind, State, stateLayout, type Known } from "./state.ts";
import { climbRow, reverseRow, type ClimbRow, type ReverseRow } from "./steps.ts";
import { singleTransitionsOf } from "./transitions.ts";

export interface Trace {
  readonly shape: ImageShape;
  readonly known: Known;
  readonly classes?: readonly number[] | undefined;
  readonly guidance?: Guidance | undefined;
  /** Every Gaussian draw in order: the start; per reverse step the sampling noise, then the known region's (from the second model call on); one per climbed step. */
  readonly draws: number;
  readonly noise: (draw: number) => Promise<ArrayLike<number>>;
  readonly times: readonly number[];
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

/** @throws InputError when the noise is too short or too long for the times, or the times are no walk */
export async function* replay(
  unet: UNet,
  trace: Trace,
  signal?: AbortSignal,
): AsyncGenerator<ReplayStep, void, undefined> {
  const { shape, known, times, respacing, noiseSchedule, diffusionSteps, rescaleTimesteps = false } = trace;
  const transitions = singleTransitionsOf(times);
  const diffusion = createDiffusion({ noiseSchedule, diffusionSteps, respacing, rescaleTimesteps });
  requireSteps(diffusion, { steps: times[0]! + 1 });
  const calls = transitions.filter(({ kind }) => kind === "reverse").length;
  const expected = 1 + calls + (calls - 1) + (transitions.length - calls);
  if (trace.draws !== expected)
    throw new InputError(
      `noise: expected ${expected} draws for ${calls} model calls and ${transitions.length - calls} climbed steps, got ${trace.draws}`,
    );

  const { variance, variant } = reverseKind(unet.checkpoint.diffusion, { clip: true });
  const layout = stateLayout(shape, unet.checkpoint.architecture.outChannels);
  // Row k of `reverse` is the step from k. Of `climbs`, row k blends at level k and row steps + k climbs from k to k + 1.
  const levels = Array.from({ length: diffusion.steps }, (_, k) => k);
  const scale = trace.guidance?.scale;
  const reverse: ReverseRow[] = levels.map((from) => reverseRow(layout, diffusion, { from, variance, scale, draw: 0 }));
  const climbs: ClimbRow[] = [
    ...levels.map((k) => climbRow(layout, { draw: 0, signal: 1, noise: 0, blend: forwardCoefficients(diffusion, k) })),
    ...levels.slice(1).map((to) => climbRow(layout, { draw: 0, ...climbCoefficients(diffusion, to - 1, to) })),
  ];
  const state = await State.create({
    unet,
    diffusion,
    shape,
    variant,
    known,
    classes: trace.classes,
    guidance: trace.guidance,
    reverse,
    climbs,
    noise: "injected",
  });
  try {
    let draw = 0;
    let step = 0;
    state.setNoise("start", await trace.noise(draw++));
    for (const { kind, from } of transitions) {
      signal?.throwIfAborted();
      state.setNoise("state", await trace.noise(draw++));
      if (kind === "climb") {
        state.climb(diffusion.steps + from);
        continue;
      }
      if (step > 0) {
        state.setNoise("known", await trace.noise(draw++));
        state.climb(from);
      }
      state.reverse(from, from);
      step++;
      yield { step, steps: calls, sample: await state.read("x"), xStart: await state.read("xStart") };
    }
  } finally {
    state.dispose();
  }
}
