/** `repaint tune`, and commands that use what it remembers. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tuningFile } from "../src/node/tuningFile.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { tuneNetworks } from "../src/unet/tuning.ts";
import { cli, events, folder } from "./support/cli.ts";
import { gpuDevice } from "./support/gpu.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";

const before = process.env.XDG_CACHE_HOME;
let cache: string;
beforeEach(async () => {
  cache = await folder();
  process.env.XDG_CACHE_HOME = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

async function tiny(): Promise<string> {
  const path = join(await folder(), "tiny.safetensors");
  await writeFile(path, tinyNetwork());
  return path;
}

test("times layers until its budget ends, remembers them, and goes on the next time", async () => {
  const weights = await tiny();
  const first = await cli(["tune", "--weights", weights, "--budget", "2000", "--json"]);
  expect(first).toMatchObject({ status: 0 });
  const all = events(first.out);
  const done = all.at(-1) as { layers?: number; timed?: number; remembered?: number; left?: number };
  expect(done).toMatchObject({ event: "done", remembered: 0 });
  expect(done.layers).toBeGreaterThan(5);
  // One that was left half done is in both.
  expect(done.timed! + done.left!).toBeGreaterThanOrEqual(done.layers!);
  expect(all.filter(({ event }) => event === "tuned")).toHaveLength(done.timed!);
  const second = events((await cli(["tune", "--weights", weights, "--budget", "1", "--json"])).out).at(-1);
  expect(second).toMatchObject({ remembered: done.layers! - done.left! });
});

test("other commands look at what is remembered, unless --tune off; a damaged record costs one line", async () => {
  const weights = await tiny();
  const { architecture } = await openCheckpoint(bytesSource("tiny", tinyNetwork()));
  const clock = { time: () => Promise.resolve({ milliseconds: 1 }) };
  const network = { architecture, precision: "f32" } as const;
  await tuneNetworks(await gpuDevice(), [network], { store: await tuningFile(), budget: 1e9, clock });
  const sample = async (...more: string[]) => {
    const options = ["--seed", "3", "--steps", "1", "--out", join(await folder(), "out"), ...more];
    const { status, err } = await cli(["sample", "--weights", weights, ...options]);
    return { status, notes: err.split("\n").filter((line) => line.includes("tuning")) };
  };
  expect(await sample()).toEqual({ status: 0, notes: [] });
  const root = join(cache, "repaint-webgpu", "tuning");
  for (const file of await readdir(root)) await writeFile(join(root, file), "{}");
  const note = expect.stringMatching(/^Note: the remembered tuning in .* is not used: expected the format/) as string;
  expect(await sample()).toEqual({ status: 0, notes: [note] });
  expect(await sample("--tune", "off")).toEqual({ status: 0, notes: [] });
});

test("says what it does not understand", async () => {
  expect(await cli(["tune", "--budget", "soon"])).toMatchObject({
    status: 2,
    err: expect.stringContaining('--budget: expected a whole number from 1 to 3600000, got "soon"') as string,
  });
  const both = await cli(["tune", "--weights", "a", "--classifier", "b"]);
  expect(both).toMatchObject({ status: 2, err: expect.stringContaining("give one") as string });
  const wrong = await cli(["sample", "--tune", "fast", "--out", join(await folder(), "x")]);
  expect(wrong).toMatchObject({
    status: 2,
    err: expect.stringContaining('--tune: expected milliseconds up to 3600000, or off, got "fast"') as string,
  });
});
