/**
 * The work of an evaluation: what is not done yet, batch by batch, each result measured and kept as soon as it is
 * there. Not here: the plan, the folder, the report.
 */
import type { Device } from "../../engine/device.ts";
import type { Lpips } from "../../evaluate/lpips.ts";
import type { EvaluationPlan, Task } from "../../evaluate/plan.ts";
import { type EvaluationResult, measure, measurePair } from "../../evaluate/result.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import type { Job, RePaint } from "../../repaint/repaint.ts";
import type { Context } from "../context.ts";
import type { EvaluationFolder } from "./folder.ts";
import type { Inputs } from "./plan.ts";
import { adapterName } from "../../engine/adapter.ts";

export interface Work {
  readonly plan: EvaluationPlan;
  readonly inputs: Inputs;
  readonly folder: EvaluationFolder;
  readonly device: Device;
  readonly repaint: RePaint;
  readonly lpips: Lpips | undefined;
}

/** Pictures side by side on a GPU; a processor gains nothing from more than one. */
const groupSize = 8;

/** @throws InterruptedError when the context's signal aborts; what is done stays done */
export async function runTasks(
  context: Context,
  work: Work,
  tasks: readonly Task[],
  done: Map<number, EvaluationResult>,
): Promise<void> {
  const { report, signal } = context;
  const { plan, repaint } = work;
  const pending = tasks.filter(({ index }) => !done.has(index));
  const callsOf = (all: readonly Task[]) =>
    all.reduce((sum, { setting }) => sum + plan.settings[setting]!.modelCalls, 0);
  const total = callsOf(pending);
  let before = 0;
  let spent = 0;
  for (const batch of batches(pending, work.device.kind === "cpu" ? 1 : groupSize)) {
    signal.throwIfAborted();
    const begin = performance.now();
    const { sampling } = plan.settings[batch[0]!.setting]!;
    const jobs = await jobsOf(work, batch);
    const classifierScale = plan.classifier?.scale;
    const run = repaint.inpaint(jobs, { sampling, classifierScale, signal, batch: batch.length });
    const share = callsOf(batch);
    for await (const { step, steps } of run) {
      const now = before + (share * step) / steps;
      const secondsPerStep = (spent + (performance.now() - begin) / 1000) / now;
      const times = { secondsPerStep, secondsLeft: secondsPerStep * (total - now) };
      report.event("progress", { step: Math.floor(now), steps: total, ...times });
      report.progress({ what: "model calls", done: Math.floor(now), total, ...times });
    }
    const result = await run;
    for (const [i, task] of batch.entries()) {
      const kept = await keepResult(work, task, { ...jobs[i]!, filled: result.pictures[i]! }, done, {
        // Of a batch's calls each makes one for every picture.
        modelCalls: result.modelCalls,
        seconds: result.seconds / batch.length,
      });
      done.set(task.index, kept);
      report.event("result", { ...kept, done: done.size, tasks: tasks.length });
    }
    before += share;
    spent += (performance.now() - begin) / 1000;
  }
  report.endProgress();
}

async function jobsOf({ plan, inputs }: Work, batch: readonly Task[]): Promise<Job[]> {
  const jobs = [];
  for (const task of batch)
    jobs.push({
      picture: await inputs.picture(task),
      keep: await inputs.mask(task),
      seed: BigInt(plan.seeds[task.seed]!),
      class: plan.classes ? plan.classes[task.picture] : plan.class,
    });
  return jobs;
}

/** Measures a filled picture, and puts it into the folder. */
async function keepResult(
  work: Work,
  task: Task,
  { picture: truth, keep, filled }: Job & { readonly filled: Picture },
  done: ReadonlyMap<number, EvaluationResult>,
  cost: Pick<EvaluationResult, "modelCalls" | "seconds">,
): Promise<EvaluationResult> {
  const { folder, lpips, device } = work;
  await folder.keepInputs(task, truth, keep);
  return folder.keep(task, filled, {
    ...(await measure(filled, truth, keep, lpips)),
    adapter: adapterName(device.info),
    ...cost,
    pairs: await pairsOf(work, task, filled, keep, done),
  });
}

/** Tasks of one setting together, as many as go side by side, each batch as early as its first task. */
function batches(tasks: readonly Task[], size: number): Task[][] {
  const all: Task[][] = [];
  const open = new Map<number, Task[]>();
  for (const task of tasks) {
    const batch = open.get(task.setting);
    if (batch && batch.length < size) batch.push(task);
    else {
      const begun = [task];
      all.push(begun);
      open.set(task.setting, begun);
    }
  }
  return all;
}

async function pairsOf(
  { plan, folder, lpips }: Work,
  task: Task,
  filled: Picture,
  keep: Mask,
  done: ReadonlyMap<number, EvaluationResult>,
): Promise<EvaluationResult["pairs"]> {
  const pairs = [];
  for (let seed = 0; seed < task.seed; seed++) {
    const other = { ...task, seed, index: task.index - task.seed + seed };
    // A damaged result of an earlier seed is made again in this very run, before this one.
    if (!done.has(other.index)) continue;
    const picture = await folder.picture(other);
    pairs.push(await measurePair(filled, { seed: plan.seeds[seed]!, picture }, keep, lpips));
  }
  return pairs;
}
