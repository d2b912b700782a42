/**
 * Whether an adapter's noise is the noise that a seed means: eight normals of the generator (Philox 4×32-10 and
 * Box–Muller) against the numbers of its definition in float64. Part of `doctor`.
 */
import type { Device } from "../../engine/device.ts";
import { Executor } from "../../engine/executor.ts";
import { PlanBuilder } from "../../engine/plan.ts";
import { readFloats } from "../../engine/readback.ts";
import { tensorUsage } from "../../engine/usage.ts";
import { gaussianNoise } from "../../shaders/gaussianNoise.ts";

/** Low and high word of the seed, the draw, and elements 0 and 1 of it. */
export const knownNoise = {
  seed: [0x9abcdef0, 0x12345678],
  draw: 3,
  normals: [-0.019662, 0.358867, -1.097802, -0.449229, 0.869207, -1.172218, 1.866949, 0.229099],
} as const;

/** Adapters round sine and logarithm differently; a wrong bit of the generator gives another number altogether. */
export const noiseTolerance = 1e-3;

/** The largest difference; NaN where there is one. */
export async function noiseError(device: Device): Promise<number> {
  const { seed, draw, normals } = knownNoise;
  const builder = new PlanBuilder();
  const seeds = builder.external("seeds", "u32", [1, 2]);
  const y = builder.external("y", "f32", [1, normals.length]);
  const parameters = { images: 1, vectors: normals.length / 4, draw };
  builder.dispatch(gaussianNoise, { tensors: { seeds, y }, parameters, variant: {} });
  const seedBuffer = await device.createBuffer("seeds", 8, tensorUsage);
  const noise = await device.createBuffer("noise", normals.length * 4, tensorUsage);
  try {
    device.upload(seedBuffer, 0, Uint32Array.from(seed));
    const externals = new Map([
      [seeds, { buffer: seedBuffer }],
      [y, { buffer: noise }],
    ]);
    const executor = await Executor.create(device, builder.finish(), externals);
    try {
      executor.submit();
      const made = await readFloats(device, noise, normals.length);
      return normals.reduce((worst, value, i) => Math.max(worst, Math.abs(made[i]! - value)), 0);
    } finally {
      executor.dispose();
    }
  } finally {
    device.destroyBuffer(seedBuffer);
    device.destroyBuffer(noise);
  }
}
