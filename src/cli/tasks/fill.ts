/**
 * Pictures through the sampler in small groups, so that each result is written as soon as it is there: progress,
 * the estimate, previews. Shared by inpaint and demo. Not here: which pictures, and what becomes of the results.
 */
import { join } from "node:path";
import { ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import type { InpaintJob, InpaintOptions, RePaint } from "../../repaint/repaint.ts";
import type { Sampling } from "../../repaint/sampling.ts";
import type { Context } from "../context.ts";
import { seconds } from "../../text/quantities.ts";

export interface Work {
  /** For previews and events. */
  readonly name: string;
  readonly seed: bigint;
  readonly class?: number | undefined;
  /** How many crops go through the model; 0: nothing is to be filled. */
  readonly crops: number;
  load(): Promise<{ picture: Picture; keep: Mask }>;
  finish(result: Picture): Promise<void>;
}

export interface Previews {
  readonly every: number;
  readonly folder: string;
}

export interface WorkOptions extends Pick<InpaintOptions, "region" | "feather" | "classifierScale"> {
  readonly sampling: Sampling;
  readonly previews?: Previews | undefined;
}

/** Pictures in one group on a GPU; on a processor a picture is a group. */
const groupSize = 8;
const longRunSeconds = 600;

/** @throws InterruptedError when the context's signal aborts; finished pictures and previews stay */
export async function runWork(
  context: Context,
  repaint: RePaint,
  all: readonly Work[],
  { sampling, previews, region, feather, classifierScale }: WorkOptions,
): Promise<{ modelCalls: number; seconds: number }> {
  const { report, signal } = context;
  const size = repaint.unet.device.kind === "cpu" ? 1 : groupSize;
  const callsPerBatch = repaint.modelCalls(sampling);
  const crops = (works: readonly Work[]): number => works.reduce((sum, work) => sum + work.crops, 0);
  const calls = (works: readonly Work[]): number => Math.ceil(crops(works) / size) * callsPerBatch;
  const groups = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
  const begin = performance.now();
  let before = 0;
  let estimated = false;
  for (const [index, group] of groups.entries()) {
    signal.throwIfAborted();
    const later = groups.slice(index + 1);
    const callsAhead = later.reduce((sum, works) => sum + calls(works), 0);
    // A batch that is not full is faster.
    const share = crops(later.flat()) / Math.max(1, Math.min(size, crops(group)));
    const jobs: InpaintJob[] = [];
    for (const work of group) jobs.push({ ...(await work.load()), seed: work.seed, class: work.class });
    const run = repaint.inpaint(jobs, {
      sampling,
      classifierScale,
      signal,
      region,
      feather: feather ?? 0,
      batch: size,
      previewEvery: previews?.every ?? 0,
    });
    for await (const { step, steps, secondsPerStep, secondsLeft, previews: pictures } of run) {
      const progress = {
        done: before + step,
        total: before + steps + callsAhead,
        secondsPerStep,
        secondsLeft: secondsLeft + secondsPerStep * callsPerBatch * share,
      };
      report.event("progress", {
        step: progress.done,
        steps: progress.total,
        secondsPerStep,
        secondsLeft: progress.secondsLeft,
      });
      if (!estimated) sayEstimate(context, progress.secondsLeft);
      estimated = true;
      report.progress({ what: "model calls", ...progress });
      for (const [job, picture] of pictures ?? []) await writePreview(context, previews!, group[job]!, step, picture);
    }
    const { pictures, modelCalls } = await run;
    before += modelCalls;
    for (const [job, picture] of pictures.entries()) await group[job]!.finish(picture);
  }
  report.endProgress();
  return { modelCalls: before, seconds: (performance.now() - begin) / 1000 };
}

function sayEstimate({ report }: Context, secondsLeft: number): void {
  report.event("estimate", { seconds: secondsLeft });
  if (secondsLeft > longRunSeconds)
    report.say(`This run will take about ${seconds(secondsLeft)}. Ctrl-C stops it; --preset fast is the shortest.`);
}

export function previewName({ name, seed }: Pick<Work, "name" | "seed">, step: number | string): string {
  return `${name}-${seed}-step${String(step).padStart(4, "0")}.png`;
}

async function writePreview(
  { report }: Context,
  { folder }: Previews,
  work: Work,
  step: number,
  picture: Picture,
): Promise<void> {
  await ensureFolder(folder);
  const file = join(folder, previewName(work, step));
  await writeFileAtomic(file, encodePng(picture, { Software: "repaint-webgpu" }), { force: true });
  report.event("preview", { image: work.name, seed: String(work.seed), step, file });
}
