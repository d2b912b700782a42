/**
 * One forward, and gradient, of a classifier from inputs in a file.
 */
import type { Device } from "../../engine/device.ts";
import { readFloats } from "../../engine/readback.ts";
import { padTo4 } from "../../engine/tensor.ts";
import { Classifier } from "../../unet/classifier.ts";
import { fromNhwc, toNhwc, type ImageShape } from "../../unet/layout.ts";

/** Logits [N, classes] and the gradient, NCHW; timed without loading and compiling. */
export async function classifyOnce(
  device: Device,
  classifier: Classifier,
  { shape, x, t, y }: ClassifierInputs,
  options: { onProgress?: (done: number) => void; signal?: AbortSignal } = {},
): Promise<{ logits: Float32Array; grad: Float32Array; seconds: number; deviceBytes: number }> {
  const session = await classifier.session(shape, y);
  try {
    device.upload(session.x, 0, toNhwc(x, shape));
    const table = await classifier.embed(t);
    try {
      await device.idle();
      const begin = performance.now();
      const rows = t.map((_, image) => image);
      await session.run(table, rows, options);
      const seconds = (performance.now() - begin) / 1000;
      const deviceBytes = device.counters.liveBytes;
      const grad = fromNhwc(await readFloats(device, session.gradient), shape);
      const padded = await readFloats(device, session.logits);
      const { classes } = classifier;
      const logits = Float32Array.from(
        { length: shape.batch * classes },
        (_, i) => padded[Math.floor(i / classes) * padTo4(classes) + (i % classes)]!,
      );
      return { logits, grad, seconds, deviceBytes };
    } finally {
      table.dispose();
    }
  } finally {
    session.dispose();
  }
}

export interface ClassifierInputs {
  readonly shape: ImageShape;
  readonly x: Float32Array;
  readonly t: readonly number[];
  readonly y: readonly number[];
}
