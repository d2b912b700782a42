/** A run that outlives its device: after a loss it goes on from its last snapshot, on a new device. */
import { DeviceLostError } from "../errors.ts";
import type { Loaded, Networks } from "./loaded.ts";
import { sample, type SampleOptions, type SampleProgress, type Snapshot } from "./loop.ts";

/** Losses without a snapshot between them, after which the step itself must be what the device dies of. */
const mostLosses = 3;

/**
 * `sample` with the options that `optionsOn` gives for the networks on their device. After a loss `onLost` hears of it,
 * and the steps since the last snapshot are done again: the result is the one of a run without the loss, bit for bit on
 * one adapter.
 * @param given ends it, as `Loaded.dispose` does
 * @throws as `sample`; DeviceLostError where the device is the caller's, or when it is lost again and again
 */
export async function* sampleOnAnyDevice(
  loaded: Loaded,
  optionsOn: (networks: Networks) => Omit<SampleOptions, "signal">,
  given: AbortSignal | undefined,
  onLost?: (error: DeviceLostError) => void,
): AsyncGenerator<SampleProgress, Float32Array, undefined> {
  const signal = loaded.until(given);
  let resume: Snapshot | undefined;
  let losses = 0;
  const onSnapshot = (snapshot: Snapshot): void => {
    resume = snapshot;
    losses = 0;
  };
  let lost: Networks | undefined;
  for (;;) {
    try {
      if (lost) await loaded.reacquire(lost);
      const options = { ...optionsOn(loaded.networks), signal };
      return yield* sample(loaded.canReacquire ? { ...options, onSnapshot, resume } : options);
    } catch (error) {
      // Whatever else failed for it.
      signal.throwIfAborted();
      lost = loaded.networks;
      const cause = await lost.unet.device.explain(error);
      if (!(cause instanceof DeviceLostError) || !loaded.canReacquire || ++losses > mostLosses) throw cause;
      onLost?.(cause);
    }
  }
}
