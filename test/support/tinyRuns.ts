/** The tiny network, loaded before the tests of a file and disposed of after them, and runs of it over a large hole. */
import { afterAll, beforeAll } from "vitest";
import { RePaint, type InpaintOptions, type InpaintRun } from "../../src/index.ts";
import { gpuDevice } from "./gpu.ts";
import { job } from "./largeHole.ts";
import { tinyNetwork } from "./tinyNetwork.ts";

/** Once a file, outside of its tests. `repaint`: there while they run. */
export async function tinyRuns() {
  const device = await gpuDevice();
  const weights = tinyNetwork();
  const loaded: { repaint?: RePaint } = {};
  beforeAll(async () => {
    loaded.repaint = await RePaint.load(weights, { device });
  });
  afterAll(() => loaded.repaint!.dispose());
  const repaint = () => loaded.repaint!;
  const fill = (options: InpaintOptions, one = job()): InpaintRun => repaint().inpaint(one, options);
  const pixels = async (options: InpaintOptions, one = job()) => (await fill(options, one)).pictures[0]!.data;
  return { device, weights, repaint, fill, pixels };
}
