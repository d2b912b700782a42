/**
 * What resampling is for: the filled part agrees with the rest. Minutes on a CPU adapter, so only in `npm run
 * test:full`.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { readPicture } from "../../src/node/pictures.ts";
import { type Mask, type Picture } from "../../src/pictures/image.ts";
import { keepMask } from "../../src/pictures/keepMask.ts";
import { RePaint } from "../../src/repaint/repaint.ts";
import type { Schedule } from "../../src/repaint/schedule.ts";
import { gpuDevice } from "../support/gpu.ts";

const weights = new URL("../../weights/", import.meta.url);
const example = (name: string) => readPicture(fileURLToPath(new URL(`examples/${name}.png`, weights)));

/** Mean distance of filled pixels' colours to the original's, in levels. */
function distance(picture: Picture, original: Picture, keep: Mask): number {
  let sum = 0;
  let count = 0;
  for (const [i, known] of keep.data.entries()) {
    if (known >= 0.5) continue;
    for (let c = 0; c < 3; c++) sum += Math.abs(picture.data[4 * i + c]! - original.data[4 * i + c]!);
    count += 3;
  }
  return sum / count;
}

it("brings what is filled closer to the picture than a plain descent does", { timeout: 1_200_000 }, async () => {
  const repaint = await RePaint.load(await readFile(new URL("portraits64.safetensors", weights)), {
    device: await gpuDevice(),
  });
  const mean = async (schedule: Schedule) => {
    const distances: number[] = [];
    for (const name of ["1-half-right", "2-half-left"]) {
      const picture = await example(name);
      const keep = keepMask(await example(`${name}.fill`), "fill");
      const { pictures } = await repaint.inpaint([{ picture, keep, seed: 1n }], {
        sampling: { sampler: "repaint", ...schedule },
      });
      distances.push(distance(pictures[0]!, picture, keep));
    }
    return distances.reduce((a, b) => a + b, 0) / distances.length;
  };
  const without = await mean({ steps: 25, jumpLength: 5, resamples: 1 });
  const resampled = await mean({ steps: 25, jumpLength: 5, resamples: 5 });
  repaint.dispose();
  expect(resampled).toBeLessThan(0.9 * without);
});
