/**
 * A run over pictures: crops around what is to be filled, batches of crops through the sampler, results pasted back at
 * the original size with every known pixel untouched. Not here: what callers give (given.ts), what is done after what
 * (stretches.ts), the sampler's loop (loop.ts).
 */
import type { RunControl } from "./control.ts";
import type { Job } from "./given.ts";
import type { InpaintOptions } from "./inpaintOptions.ts";
import type { InpaintProgress, InpaintResult } from "./inpaintRun.ts";
import type { Loaded } from "./loaded.ts";
import type { SampleProgress } from "./loop.ts";
import { sampleOnAnyDevice } from "./recovery.ts";
import { Results } from "./results.ts";
import type { Sampling } from "./sampling.ts";
import type { Stretch } from "./stretch.ts";
import { planStretches } from "./stretches.ts";

/** `sampling`: resolved, and one that the network can run. @throws InputError before the first step */
export async function* inpaintJobs(
  loaded: Loaded,
  jobs: readonly Job[],
  options: InpaintOptions & { readonly sampling: Sampling; readonly control: RunControl },
): AsyncGenerator<InpaintProgress, InpaintResult, undefined> {
  const { control } = options;
  const begin = performance.now();
  const results = new Results(jobs, { feather: options.feather, onPicture: options.onPicture });
  const stretches = await planStretches({ jobs, options, results, networks: loaded.networks });
  const steps = stretches.reduce((sum, { calls }) => sum + calls, 0);
  let modelCalls = 0;
  for (const [index, stretch] of stretches.entries()) {
    if (control.stopping) break;
    const run = sampleOnAnyDevice(
      loaded,
      (networks) => ({ ...stretch.optionsOn(networks), control }),
      options.signal,
      options.onDeviceLost,
    );
    // Of the stretches after this one, in calls that take as long as its own.
    const callsAhead = stretches
      .slice(index + 1)
      .reduce((sum, later) => sum + later.calls * (later.images / stretch.images), 0);
    const place = { before: modelCalls, steps, callsAhead };
    const { values, done } = yield* stretchProgress(run, stretch, place);
    modelCalls += done;
    stretch.keep(values, done === stretch.calls);
  }
  results.finish();
  const seconds = (performance.now() - begin) / 1000;
  const seeds = jobs.map(({ seed }) => seed);
  return { pictures: results.pictures, reached: results.reached, seeds, modelCalls, seconds };
}

export interface RunCost {
  readonly modelCalls: number;
  /** What goes through the network in all these calls: a crop or a tile each. */
  readonly images: number;
}

/** Of a run, before it is begun. @throws InputError for what cannot be run */
export async function costOf(
  { networks }: Loaded,
  jobs: readonly Job[],
  options: InpaintOptions & { readonly sampling: Sampling },
): Promise<RunCost> {
  const stretches = await planStretches({ jobs, options, networks, results: new Results(jobs, {}) });
  const sum = (of: (stretch: Stretch) => number) => stretches.reduce((total, stretch) => total + of(stretch), 0);
  return { modelCalls: sum(({ calls }) => calls), images: sum(({ calls, images }) => calls * images) };
}

/** A stretch's progress as that of the whole run; its last x, or x̂₀ where it was stopped, and the calls it took. */
async function* stretchProgress(
  run: AsyncGenerator<SampleProgress, Float32Array, undefined>,
  { show, images }: Stretch,
  { before, steps, callsAhead }: { before: number; steps: number; callsAhead: number },
): AsyncGenerator<InpaintProgress, { values: Float32Array; done: number }, undefined> {
  let done = 0;
  try {
    let next = await run.next();
    while (!next.done) {
      const { step, secondsPerStep, xStart } = next.value;
      done = step;
      const secondsLeft = next.value.secondsLeft + secondsPerStep * callsAhead;
      const progress = { step: before + step, steps, images, secondsPerStep, secondsLeft };
      yield xStart ? { ...progress, previews: show(xStart) } : progress;
      next = await run.next();
    }
    return { values: next.value, done };
  } finally {
    // Where the caller leaves the loop, which ends this function at the yield.
    await run.return(undefined as never);
  }
}
