/** What holes cost that are larger than the network, at the picture's own scale: said before they are filled. */
import { measureCall } from "../../repaint/measure.ts";
import type { InpaintJob, InpaintOptions, RePaint, RunCost } from "../../repaint/repaint.ts";
import { count, seconds } from "../../text/quantities.ts";
import type { Context } from "../context.ts";

interface CostlyWork {
  readonly seed: bigint;
  readonly class?: number | undefined;
  load(): Promise<Pick<InpaintJob, "picture" | "keep" | "startFrom">>;
}

/** Of each picture. Decodes it once more; makes a few model calls to time them. */
export async function detailCosts<W extends CostlyWork>(
  { report, signal }: Context,
  repaint: RePaint,
  works: readonly W[],
  options: InpaintOptions,
): Promise<ReadonlyMap<W, RunCost>> {
  const costs = new Map<W, RunCost>();
  for (const work of works) {
    signal.throwIfAborted();
    costs.set(work, await repaint.cost({ ...(await work.load()), seed: work.seed, class: work.class }, options));
  }
  const sum = (of: (cost: RunCost) => number) => [...costs.values()].reduce((total, cost) => total + of(cost), 0);
  const [modelCalls, images] = [sum((cost) => cost.modelCalls), sum((cost) => cost.images)];
  const estimate = images * (await measureCall(repaint.unet, signal, repaint.classifier));
  const { detail } = options;
  report.event("detail", { detail, modelCalls, images, seconds: estimate });
  report.say(
    `With --detail ${detail} ${count(modelCalls, "model call")} in all, over ${count(images, "tile")}: about ${seconds(estimate)}.`,
  );
  return costs;
}
