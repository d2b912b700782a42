/**
 * Records a run that the page's animations show: the estimate x̂₀ after every model call, only what was filled in, as
 * one JPEG and its facts (`node scripts/record-run.mjs repaint|langevin [EXAMPLE] [SEED]`). Needed again only when the
 * shipped model changes.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import jpeg from "jpeg-js";
import { setUp } from "./setup.mjs";

/** Not the paper's own: 2410 calls would be too long to watch. */
const samplings = {
  repaint: { sampler: "repaint", steps: 50, jumpLength: 10, resamples: 4 },
  langevin: { sampler: "langevin", levels: 20, inner: 2 },
};
const [sampler = "repaint", name = "5-expand", seed = 1] = process.argv.slice(2);
const sampling = samplings[sampler];
const root = fileURLToPath(new URL("..", import.meta.url));
await setUp(root);
const { RePaint, keepMask, requestDevice } = await import("repaint-webgpu");
const { openGpu, readPicture } = await import("repaint-webgpu/node");

const gpu = await openGpu();
const device = await requestDevice(gpu.adapter);
const weights = await readFile(join(root, "weights", "portraits64.safetensors"));
const repaint = await RePaint.load(new Uint8Array(weights), { device });
const example = join(root, "weights", "examples", name);
const picture = await readPicture(`${example}.png`);
const keep = keepMask(await readPicture(`${example}.fill.png`), "fill");
const box = boundsOfHole(keep);
const frames = [];
const run = repaint.inpaint([{ picture, keep, seed: BigInt(seed) }], {
  sampling,
  previewEvery: 1,
});
for await (const { step, steps: all, secondsLeft, previews } of run) {
  frames.push(previews.get(0).data);
  if (step % 10 === 0) process.stderr.write(`${step}/${all}, ${Math.round(secondsLeft)} s left\n`);
}
const { pictures } = await run;
frames.push(pictures[0].data);

// A sheet about twice as wide as high, with as few gaps as the count allows.
const wish = Math.sqrt(2 * frames.length);
const columns = Array.from({ length: 5 }, (_, i) => Math.round(wish) - 2 + i)
  .sort((a, b) => gapsOf(a) - gapsOf(b) || Math.abs(a - wish) - Math.abs(b - wish))
  .at(0);
const width = columns * box.width;
const height = Math.ceil(frames.length / columns) * box.height;
const data = new Uint8Array(width * height * 4);
for (const [index, frame] of frames.entries()) {
  const left = (index % columns) * box.width;
  const top = Math.floor(index / columns) * box.height;
  for (let y = 0; y < box.height; y++) {
    const from = ((box.y + y) * picture.width + box.x) * 4;
    data.set(frame.subarray(from, from + box.width * 4), ((top + y) * width + left) * 4);
  }
}
await writeFile(join(root, "site", "assets", `run-${sampler}.jpg`), jpeg.encode({ width, height, data }, 82).data);
const facts = { example: name, sampling, seed: Number(seed), frames: frames.length, columns, box };
await writeFile(join(root, "site", "assets", `run-${sampler}.json`), `${JSON.stringify(facts, null, 2)}\n`);
process.exit(0);

function gapsOf(columns) {
  return (columns - (frames.length % columns)) % columns;
}

function boundsOfHole({ width, height, data }) {
  const holes = [...data.keys()].filter((at) => data[at] < 0.5);
  const [xs, ys] = [holes.map((at) => at % width), holes.map((at) => Math.floor(at / width))];
  const range = (values, size) => [Math.min(...values, size), Math.max(...values, 0)];
  const [left, right] = range(xs, width);
  const [top, bottom] = range(ys, height);
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
