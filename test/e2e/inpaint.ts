/** A page of an embedder: the public API on this browser's own adapter. */
import { RePaint, type Mask, type Picture } from "../../src/index.ts";

interface Job {
  readonly weights: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly keep: Float32Array;
}

export async function run({ weights, width, height, pixels, keep }: Job) {
  const repaint = await RePaint.load(weights);
  const picture: Picture = { width, height, data: new Uint8ClampedArray(pixels) };
  const mask: Mask = { width, height, data: keep };
  const sampling = { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 } as const;
  const steps: number[] = [];
  const inpainting = repaint.inpaint([{ picture, keep: mask, seed: 11n }], { sampling });
  for await (const { step } of inpainting) steps.push(step);
  const { pictures, modelCalls } = await inpainting;
  repaint.dispose();
  return { steps, modelCalls, pixels: new Uint8Array(pictures[0]!.data) };
}
