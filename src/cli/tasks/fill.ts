/**
 * Pictures through the sampler in small groups, so that each result is written as soon as it is there: progress, the
 * estimate, previews. Shared by inpaint, sample and demo. Not here: which pictures, and what becomes of the results.
 */
import { join } from "node:path";
import { ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import type { InpaintProgress } from "../../repaint/inpaintRun.ts";
import type { InpaintJob, InpaintOptions, RePaint } from "../../repaint/repaint.ts";
import type { Sampling } from "../../repaint/sampling.ts";
import type { Context } from "../context.ts";
import { seconds } from "../../text/quantities.ts";
import { detailCosts } from "./detailCosts.ts";

export interface Work {
  /** For previews and events. */
  readonly name: string;
  readonly seed: bigint;
  readonly class?: number | undefined;
  /** How many crops go through the model; 0: nothing is to be filled. */
  readonly crops: number;
  load(): Promise<{ picture: Picture; keep: Mask; startFrom?: Picture | undefined }>;
  finish(result: Picture): Promise<void>;
}

export interface Previews {
  readonly every: number;
  readonly folder: string;
}

export interface WorkOptions extends Pick<InpaintOptions, "region" | "feather" | "detail" | "classifierScale"> {
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
  { sampling, previews, region, feather, detail, classifierScale }: WorkOptions,
): Promise<{ modelCalls: number; seconds: number }> {
  const { report, signal } = context;
  const isDetailed = detail !== undefined && detail !== "model";
  // What goes on beyond the network's size fills batches by itself.
  const costs = isDetailed ? await detailCosts(context, repaint, all, { sampling, region, detail, classifierScale }) : undefined; // prettier-ignore
  const size = costs || repaint.unet.device.kind === "cpu" ? 1 : groupSize;
  const callsPerBatch = repaint.modelCalls(sampling);
  const groups = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
  const batch = costs ? undefined : size;
  const options = { sampling, classifierScale, signal, region, detail, feather: feather ?? 0, batch };
  const begin = performance.now();
  const tell = progressTeller(context);
  let before = 0;
  for (const [index, group] of groups.entries()) {
    signal.throwIfAborted();
    const jobs: InpaintJob[] = [];
    for (const work of group) jobs.push({ ...(await work.load()), seed: work.seed, class: work.class });
    const later = groups.slice(index + 1);
    const callsOfAll = (works: readonly Work[]) => works.reduce((sum, work) => sum + costs!.get(work)!.modelCalls, 0);
    const detailAhead = costs && callsOfAll(later.flat());
    const rest = {
      before,
      callsAhead:
        detailAhead ?? later.reduce((sum, works) => sum + Math.ceil(cropsOf(works) / size) * callsPerBatch, 0),
      // A batch that is not full is faster.
      stepsAhead: detailAhead ?? (callsPerBatch * cropsOf(later.flat())) / Math.max(1, Math.min(size, cropsOf(group))),
    };
    const run = repaint.inpaint(jobs, { ...options, previewEvery: previews?.every ?? 0 });
    for await (const { previews: pictures, ...progress } of run) {
      tell(progress, rest);
      for (const [job, picture] of pictures ?? [])
        await writePreview(context, previews!, group[job]!, progress.step, picture);
    }
    const { pictures, modelCalls } = await run;
    before += modelCalls;
    for (const [job, picture] of pictures.entries()) await group[job]!.finish(picture);
  }
  report.endProgress();
  return { modelCalls: before, seconds: (performance.now() - begin) / 1000 };
}

function cropsOf(works: readonly Work[]): number {
  return works.reduce((sum, work) => sum + work.crops, 0);
}

/** What is done and what is left beside the group that runs. */
interface Rest {
  /** Model calls before it. */
  readonly before: number;
  readonly callsAhead: number;
  /** The same in steps that take as long as this group's. */
  readonly stepsAhead: number;
}

/** Reports the steps of a group as those of the whole work, and once how long that will take. */
function progressTeller(context: Context): (progress: Omit<InpaintProgress, "previews">, rest: Rest) => void {
  const { report } = context;
  let isEstimated = false;
  return ({ step, steps, secondsPerStep, ...own }, { before, callsAhead, stepsAhead }) => {
    const done = before + step;
    const total = before + steps + callsAhead;
    const secondsLeft = own.secondsLeft + secondsPerStep * stepsAhead;
    report.event("progress", { step: done, steps: total, secondsPerStep, secondsLeft });
    if (!isEstimated) sayEstimate(context, secondsLeft);
    isEstimated = true;
    report.progress({ what: "model calls", done, total, secondsPerStep, secondsLeft });
  };
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
