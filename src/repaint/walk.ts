/** The noise levels that a run visits, as a line that can be drawn. Pure and small: pages import it. */
import { langevinSettings, walked, type LangevinSampling, type Sampling } from "./sampling.ts";
import { scheduleTimes } from "./schedule.ts";

export interface Walk {
  /** Respaced levels one after the other, from the noisiest to −1, the finished picture. */
  readonly levels: readonly number[];
  /** Of each model call: which of `levels` it leads to. */
  readonly calls: readonly number[];
}

/** @throws InputError for a schedule that is none */
export function walkOf(given: Sampling): Walk {
  const sampling = walked(given);
  return sampling.sampler === "repaint" ? repaintWalk(sampling) : langevinWalk(sampling);
}

function repaintWalk(sampling: Parameters<typeof scheduleTimes>[0]): Walk {
  const levels = scheduleTimes(sampling);
  return { levels, calls: levels.flatMap((level, i) => (i > 0 && level < levels[i - 1]! ? [i] : [])) };
}

/** Each step stays at its level, and one more goes down. */
function langevinWalk(sampling: LangevinSampling): Walk {
  const { levels: count, inner, still } = langevinSettings(sampling);
  const levels = [count - 1];
  for (let level = count - 1; level >= 0; level--) {
    if (level >= still) for (let i = 0; i < inner; i++) levels.push(level);
    levels.push(level - 1);
  }
  return { levels, calls: Array.from({ length: levels.length - 1 }, (_, i) => i + 1) };
}
