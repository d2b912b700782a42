/**
 * RePaint's sampler as a plan: each transition of the schedule becomes one row of parameters for one dispatch. The
 * order of the paper's Algorithm 1 and that of RePaint's program differ only in what stands here.
 */
import { type DiffusionSettings, predictionOf } from "../../checkpoints/config.ts";
import type { PlanBuilder } from "../../engine/plan.ts";
import type { ParameterValues } from "../../engine/kernel.ts";
import { reverseStep, type ReverseStepVariant } from "../../shaders/reverseStep.ts";
import {
  climbCoefficients,
  forwardCoefficients,
  guidanceCoefficients,
  reverseCoefficients,
  startCoefficients,
  type Diffusion,
  type ReverseRule,
} from "../diffusion.ts";
import type { PlanContext, RecordedStep, RunPlan, StateTensors, Step } from "../runPlan.ts";
import { walked, type Order, type RePaintSampling } from "../sampling.ts";
import { scheduleTimes } from "../schedule.ts";
import { addRenoise, blendRow, climbRow, knownRow, withStart, type Drawn, type RenoiseRow } from "./renoise.ts";
import { singleTransitionsOf, transitionsOf, type Transition } from "../transitions.ts";

type ReverseRow = ParameterValues<typeof reverseStep.parameters>;

/**
 * A run with merged climbs. Without a known picture the plain descent is sampled: jumps only serve to make the known
 * and the unknown part agree. @throws InputError
 */
export function planRePaint(sampling: RePaintSampling, context: PlanContext): RunPlan {
  const { diffusion, layout, hasKnown } = context;
  const { order = "program", clip = order === "program", eta } = sampling;
  const schedule = walked(sampling);
  const times = scheduleTimes(hasKnown ? schedule : { steps: schedule.steps, jumpLength: 1, resamples: 1 });
  const transitions = transitionsOf(times);
  const rule = reverseRule(context.settings, eta);
  const steps: Step[] = [];
  const reverse: ReverseRow[] = [];
  const climbs: RenoiseRow[] = [];
  for (const [index, transition] of transitions.entries()) {
    const draw = index + 1;
    if (transition.kind === "reverse") {
      const { from } = transition;
      const blend = blendAfterReverse(transitions, index, diffusion, order);
      steps.push({ call: from, dispatch: "reverse", row: reverse.length });
      reverse.push(reverseRow(context, from, rule, { draw, blend }));
    } else {
      const { from, to } = transition;
      const amounts = climbCoefficients(diffusion, from, to, { beta: order === "program" ? "target" : "source" });
      // A climb is followed by a model call at its top.
      const blend = order === "program" ? forwardCoefficients(diffusion, to) : undefined;
      steps.push({ dispatch: "climb", row: climbs.length });
      climbs.push(climbRow(layout, amounts, { draw, blend }));
    }
  }
  const dispatches = dispatchesOf({ reverse, climbs, variant: variantOf(rule, clip) });
  return { diffusion, steps, carries: ["x"], dispatches: withStart(dispatches, sampling, context) };
}

/**
 * The same walk in the order of RePaint's program with the noise of a recorded run: climbs step by step, and the known
 * region blended in by a step of its own before each call, since a trace shows x before that. @throws InputError for
 * times that are no walk
 */
export function planRecordedRePaint(times: readonly number[], context: PlanContext): RunPlan<RecordedStep> {
  const { diffusion, layout, settings } = context;
  const rule = reverseRule(settings, undefined);
  // Row k of `reverse` is the step from k. Of `climbs`, row k blends at level k and row steps + k climbs from k to k +
  // 1.
  const levels = Array.from({ length: diffusion.steps }, (_, k) => k);
  const climbs: RenoiseRow[] = [
    ...levels.map((k) => blendRow(layout, { draw: 0, blend: forwardCoefficients(diffusion, k) })),
    ...levels.slice(1).map((to) => climbRow(layout, climbCoefficients(diffusion, to - 1, to), { draw: 0 })),
  ];
  const steps = singleTransitionsOf(times).flatMap(({ kind, from }, index): RecordedStep[] => {
    if (kind === "climb") return [{ dispatch: "climb", row: diffusion.steps + from, draws: ["state"] }];
    if (index === 0) return [{ call: from, dispatch: "reverse", row: from, draws: ["state"] }];
    return [
      { dispatch: "climb", row: from, draws: ["state", "known"] },
      { call: from, dispatch: "reverse", row: from, draws: [] },
    ];
  });
  return {
    diffusion,
    steps,
    carries: ["x"],
    dispatches: dispatchesOf({
      reverse: levels.map((from) => reverseRow(context, from, rule, { draw: 0 })),
      climbs,
      variant: variantOf(rule, true),
    }),
  };
}

/** DDIM's with an η, else DDPM's with the variance that the network has or was trained for. */
function reverseRule({ learnSigma, sigmaSmall }: DiffusionSettings, eta: number | undefined): ReverseRule {
  if (eta !== undefined) return { kind: "ddim", eta };
  return { kind: "ddpm", variance: learnSigma ? "learned-range" : sigmaSmall ? "fixed-small" : "fixed-large" };
}

function variantOf(rule: ReverseRule, clip: boolean): ReverseStepVariant {
  return {
    variance: rule.kind === "ddpm" && rule.variance === "learned-range" ? "learned" : "fixed",
    clip,
  };
}

function dispatchesOf(given: {
  readonly reverse: readonly ReverseRow[];
  readonly climbs: readonly RenoiseRow[];
  readonly variant: ReverseStepVariant;
}): RunPlan["dispatches"] {
  const { reverse, climbs, variant } = given;
  const dispatches = {
    reverse: (
      builder: PlanBuilder,
      { x, out, xStart, noise, gradient, seeds, known, keep, knownNoise }: StateTensors,
    ): void =>
      void builder.dispatch(reverseStep, {
        tensors: { x, out, xStart, noise, gradient, seeds, known, keep, knownNoise },
        parameters: reverse,
        variant,
      }),
  };
  if (climbs.length === 0) return dispatches;
  const climb = (builder: PlanBuilder, tensors: StateTensors): void => addRenoise(builder, tensors, climbs);
  return { reverse: dispatches.reverse, climb };
}

function reverseRow(
  { layout, diffusion, scale, settings }: PlanContext,
  from: number,
  rule: ReverseRule,
  drawn: Drawn,
): ReverseRow {
  const { channels, outStride } = layout;
  return {
    ...knownRow(layout, drawn),
    channels,
    outStride,
    ...startCoefficients(diffusion, from, predictionOf(settings)),
    ...reverseCoefficients(diffusion, from, rule),
    ...guidanceCoefficients(diffusion, from, rule, scale),
  };
}

function blendAfterReverse(transitions: readonly Transition[], index: number, diffusion: Diffusion, order: Order) {
  const { from } = transitions[index]!;
  if (order === "paper") {
    const { signal, noise } = forwardCoefficients(diffusion, from);
    return { signal, noise: from === 0 ? 0 : noise };
  }
  // Before a climb the whole image is noised again, so the known region is not looked at; after the last call nothing
  // is.
  const next = transitions[index + 1];
  return next?.kind === "reverse" ? forwardCoefficients(diffusion, next.from) : undefined;
}
