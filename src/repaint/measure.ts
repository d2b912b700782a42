/** How long a model call takes on this adapter, by making some. */
import type { Classifier } from "../unet/classifier.ts";
import type { UNet } from "../unet/unet.ts";

/** Enough for a median, and no more than about a second where calls are slow. */
const mostCalls = 5;
const enoughSeconds = 0.7;

/**
 * Seconds of one model call at batch 1 and the network's own size: the median of up to 5, after one that is not counted
 * because it warms caches up. With a classifier, of a guided call. @throws OutOfMemoryError, DeviceLostError, or the
 * signal's reason
 */
export async function measureCall(unet: UNet, signal?: AbortSignal, classifier?: Classifier): Promise<number> {
  const { imageSize, numClasses } = unet.checkpoint.config;
  const size = { batch: 1, height: imageSize, width: imageSize };
  const made: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(one: T): T => {
    made.push(one);
    return one;
  };
  try {
    const session = keep(await unet.session(size));
    const table = keep(await unet.embed([0], numClasses === null ? undefined : [0]));
    const guide = classifier && keep(await classifier.session(size, [0], session.x));
    const guideTable = classifier && keep(await classifier.embed([0]));
    const times: number[] = [];
    const call = async (): Promise<number> => {
      signal?.throwIfAborted();
      const begin = performance.now();
      session.submit(table, [0]);
      if (guideTable) guide!.submit(guideTable, [0]);
      await unet.device.idle();
      return (performance.now() - begin) / 1000;
    };
    await call();
    for (let total = 0; times.length < mostCalls && total < enoughSeconds; total += times.at(-1)!)
      times.push(await call());
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  } finally {
    for (const one of made) one.dispose();
  }
}
