/**
 * Guided Langevin steps as a plan (after LanPaint: Zheng et al., arXiv 2502.03491, in an overdamped form without
 * momentum). At each of few noise levels, from high to low, the state moves a few steps by Langevin dynamics at that
 * level, and then by DDIM down to the next. What is unknown follows the network's score. What is known is drawn towards
 * the picture, but keeps most of the noise that the network sees there, and so both parts come to agree.
 */
import { predictionOf } from "../../checkpoints/config.ts";
import type { ParameterValues } from "../../engine/kernel.ts";
import { langevinStep } from "../../shaders/langevinStep.ts";
import { epsilonGuidance, forwardCoefficients, startCoefficients, type Diffusion } from "../diffusion.ts";
import { startDraw, type AddDispatch, type PlanContext, type RecordedStep, type RunPlan } from "../runPlan.ts";
import { langevinSettings, walked, type LangevinSampling } from "../sampling.ts";
import { addRenoise, blendRow, withStart } from "./renoise.ts";

type LangevinRow = ParameterValues<typeof langevinStep.parameters>;

/** The next state as a sum: of x̂₀, x and noise where nothing is known, of these and the picture where it is. */
export type LangevinCoefficients = Pick<
  LangevinRow,
  "freeXStart" | "freeX" | "freeNoise" | "heldXStart" | "heldX" | "heldKnown" | "heldNoise"
>;

/**
 * Without a known picture there is nothing to agree with: DDIM without noise from level to level.
 * @throws InputError
 */
export function planLangevin(sampling: LangevinSampling, context: PlanContext): RunPlan<RecordedStep> {
  const { diffusion, layout, hasKnown } = context;
  const { levels, inner, step, lambda, still } = langevinSettings(walked(sampling));
  const rows: LangevinRow[] = [];
  const steps: RecordedStep[] = [];
  let draw = startDraw;
  const add = (call: number, coefficients: LangevinCoefficients, draws: RecordedStep["draws"]): void => {
    steps.push({ call, dispatch: "langevin", row: rows.length, draws });
    rows.push({ ...callRow(context, call), draw, ...coefficients });
  };
  if (hasKnown) steps.push({ dispatch: "begin", row: 0, draws: ["known"] });
  for (let level = levels - 1; level >= 0; level--) {
    const moves = hasKnown && level >= still ? inner : 0;
    for (let i = 0; i < moves; i++) {
      draw++;
      add(level, innerCoefficients(diffusion, level, { step, lambda }), ["state"]);
    }
    add(level, downCoefficients(diffusion, level), []);
  }
  const langevin: AddDispatch = (builder, { x, out, xStart, noise, gradient, seeds, known, keep }) =>
    builder.dispatch(langevinStep, {
      tensors: { x, out, xStart, noise, gradient, seeds, known, keep },
      parameters: rows,
      variant: {},
    });
  const blend = blendRow(layout, { draw: startDraw, blend: forwardCoefficients(diffusion, levels - 1) });
  const begin: AddDispatch = (builder, tensors) => addRenoise(builder, tensors, [blend]);
  const dispatches = withStart(hasKnown ? { langevin, begin } : { langevin }, sampling, context);
  return { diffusion, steps, carries: ["x"], dispatches };
}

/** What rows of one level have in common. */
function callRow(
  { diffusion, layout, scale, settings }: PlanContext,
  level: number,
): Omit<LangevinRow, keyof LangevinCoefficients | "draw"> {
  return {
    ...layout,
    ...startCoefficients(diffusion, level, predictionOf(settings)),
    guidanceX0: epsilonGuidance(diffusion, level, scale),
  };
}

/**
 * One Langevin step of size h at a level of signal √ᾱ and noise variance v = 1 − ᾱ, exact for a fixed x̂₀. With
 * ε = (x − √ᾱ·x̂₀)/√v, f = e^{−h} and g = e^{−h(1 + λ)}:
 *
 *   free = √ᾱ·x̂₀ + f·(x − √ᾱ·x̂₀) + √(v·(1 − f²))·z
 *   held = c + g·(x − c) + √(v/(1 + λ)·(1 − g²))·z  around  c = √ᾱ·known + λ/(1 + λ)·√v·ε
 */
export function innerCoefficients(
  diffusion: Diffusion,
  level: number,
  { step, lambda }: { step: number; lambda: number },
): LangevinCoefficients {
  const { signal, noise } = forwardCoefficients(diffusion, level);
  const variance = noise * noise;
  // 1 − e^{−a} without the digits that a small a would lose.
  const lost = (a: number) => -Math.expm1(-a);
  const free = lost(step);
  const held = lost(step * (1 + lambda));
  const share = lambda / (1 + lambda);
  return {
    freeXStart: signal * free,
    freeX: 1 - free,
    freeNoise: Math.sqrt(variance * lost(2 * step)),
    heldXStart: -held * share * signal,
    heldX: 1 - held + held * share,
    heldKnown: held * signal,
    heldNoise: Math.sqrt((variance / (1 + lambda)) * lost(2 * step * (1 + lambda))),
  };
}

/**
 * From a level down to the next with ᾱ′, 1 below the last, by DDIM without noise (Song, Meng & Ermon 2021, eq. 12):
 * free = √ᾱ′·x̂₀ + √(1 − ᾱ′)·ε, and with the noise that is there held = √ᾱ′·known + √(1 − ᾱ′)·(x − √ᾱ·known)/√v.
 */
export function downCoefficients(diffusion: Diffusion, level: number): LangevinCoefficients {
  const { signal, noise } = forwardCoefficients(diffusion, level);
  const below = diffusion.alphaBarPrevious[level]!;
  const kept = Math.sqrt(1 - below) / noise;
  const clean = Math.sqrt(below) - kept * signal;
  return {
    freeXStart: clean,
    freeX: kept,
    freeNoise: 0,
    heldXStart: 0,
    heldX: kept,
    heldKnown: clean,
    heldNoise: 0,
  };
}
