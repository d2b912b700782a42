/**
 * Networks over images larger than their own: tiles one by one, averaged on the host, are the definition; runs over
 * them.
 */
import { describe, expect, test } from "vitest";
import type { Device } from "../src/engine/device.ts";
import { readFloats } from "../src/engine/readback.ts";
import { sample, type SampleOptions, type Snapshot } from "../src/repaint/loop.ts";
import { TiledForward } from "../src/repaint/tiledForward.ts";
import { tileOrigins, tilesToFill, tileWeights } from "../src/repaint/tiles.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { UNet, type UNetSession } from "../src/unet/unet.ts";
import { goldenCheckpoint, relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";
import { values } from "./support/random.ts";

const shape = { batch: 2, channels: 3, height: 40, width: 56 };
const tile = { height: 32, width: 16 };
/** Floats of a pixel. */
const [inStride, outStride] = [4, 8];

const pixels = Float32Array.from(values(shape.batch * shape.height * shape.width * inStride, 1));

async function tiled(unet: UNet, tilesAtOnce: number, keep?: Float32Array): Promise<Float32Array> {
  const { device } = unet;
  const session = (size: typeof shape) => unet.session(size);
  const options = { device, shape, tile, tilesAtOnce, keep, outChannels: 6, session };
  const forward = await TiledForward.create<UNetSession>(options);
  const tiles = tilesToFill(shape, tile, keep).length;
  expect(forward.calls).toBe(Math.ceil(tiles / tilesAtOnce));
  const table = await unet.embed([400, 10]);
  device.upload(forward.x, 0, pixels);
  for (let call = 0; call < forward.calls; call++)
    forward.submit(call, (one, images) => one.submit(table, [...images]));
  const out = await readFloats(device, forward.out);
  table.dispose();
  forward.dispose();
  return out.slice(0, shape.batch * shape.height * shape.width * outStride);
}

/** Tile by tile through a session of one, averaged in float64; 0 where none is. Image n is at the n-th timestep. */
async function defined(unet: UNet, keep?: Float32Array): Promise<Float64Array> {
  const { device } = unet;
  const [rows, columns] = [tileOrigins(shape.height, tile.height), tileOrigins(shape.width, tile.width)];
  const [down, across] = [tileWeights(tile.height), tileWeights(tile.width)];
  const session = await unet.session({ ...tile, batch: 1 });
  const table = await unet.embed([400, 10]);
  const sum = new Float64Array(shape.batch * shape.height * shape.width * outStride);
  const total = new Float64Array(shape.batch * shape.height * shape.width);
  for (let n = 0; n < shape.batch; n++)
    for (const top of rows)
      for (const left of columns) {
        const at = (i: number) =>
          (n * shape.height + top + Math.floor(i / tile.width)) * shape.width + left + (i % tile.width);
        const places = Array.from({ length: tile.height * tile.width }, (_, i) => at(i));
        if (keep && places.every((pixel) => keep[pixel] === 1)) continue;
        const cut = new Float32Array(places.length * inStride);
        for (const [i, pixel] of places.entries())
          cut.set(pixels.subarray(pixel * inStride, (pixel + 1) * inStride), i * inStride);
        device.upload(session.x, 0, cut);
        session.submit(table, [n]);
        const out = await readFloats(device, session.out);
        for (const [i, pixel] of places.entries()) {
          const weight = down[Math.floor(i / tile.width)]! * across[i % tile.width]!;
          total[pixel]! += weight;
          for (let c = 0; c < outStride; c++) sum[pixel * outStride + c]! += weight * out[i * outStride + c]!;
        }
      }
  table.dispose();
  session.dispose();
  return sum.map((value, i) => (value === 0 ? 0 : value / total[Math.floor(i / outStride)]!));
}

test("tiles are averaged as defined, with the same bits for every batch, and leave nothing behind", async () => {
  const device = await gpuDevice();
  const unet = await UNet.load(device, await goldenCheckpoint("unet/adm.weights.safetensors"));
  const before = device.counters.liveBytes;
  const out = await tiled(unet, 4);
  expect(relativeError(out, Float32Array.from(await defined(unet)))).toBeLessThan(1e-6);
  expect(await tiled(unet, 1)).toEqual(out);
  expect(await tiled(unet, 100)).toEqual(out);
  // Unknown: corners of the first image, and a pixel in the middle of the second.
  const keep = new Float32Array(shape.batch * shape.height * shape.width).fill(1);
  const [middle, size] = [20 * shape.width + 28, shape.height * shape.width];
  const unknown = [0, size - 1, size + middle];
  for (const pixel of unknown) keep[pixel] = 0;
  const some = await tiled(unet, 3, keep);
  expect(relativeError(some, Float32Array.from(await defined(unet, keep)))).toBeLessThan(1e-6);
  expect(await tiled(unet, 1, keep)).toEqual(some);
  // What is to be filled is what all tiles make of it, bit for bit.
  const at = (of: Float32Array, pixel: number) => of.subarray(pixel * outStride, (pixel + 1) * outStride);
  for (const pixel of unknown) expect(at(some, pixel)).toEqual(at(out, pixel));
  expect(device.counters.liveBytes).toBe(before);
  unet.dispose();
});

describe("a run over an image of several tiles", () => {
  const [side, tiles] = [32, 16];
  const options = async (device: Device) => ({
    unet: await UNet.load(device, await goldenCheckpoint("unet/adm.weights.safetensors")),
    shape: { batch: 1, channels: 3, height: side, width: side + tiles / 2 },
    seeds: [5n],
    sampling: { sampler: "langevin", levels: 3, inner: 1 } as const,
    known: {
      image: Float32Array.from(values(3 * side * (side + tiles / 2), 7, { deviation: 0.4 })),
      keep: Float32Array.from({ length: side * (side + tiles / 2) }, (_, i) => (i % 40 < 20 ? 1 : 0)),
    },
  });

  async function finish(options: SampleOptions): Promise<Float32Array> {
    const run = sample(options);
    let next = await run.next();
    while (!next.done) next = await run.next();
    return next.value;
  }

  test("has the same bits however many tiles go at once, and after a break", async () => {
    const device = await gpuDevice();
    const base = await options(device);
    const before = device.counters.liveBytes;
    const snapshots: Snapshot[] = [];
    const onSnapshot = (snapshot: Snapshot) => void snapshots.push(snapshot);
    const four = { side: tiles, atOnce: 4 };
    const expected = await finish({ ...base, tiles: four, onSnapshot, snapshotSeconds: 0 });
    expect(expected.every(Number.isFinite)).toBe(true);
    expect(await finish({ ...base, tiles: { side: tiles, atOnce: 1 } })).toEqual(expected);
    for (const resume of snapshots) expect(await finish({ ...base, tiles: four, resume })).toEqual(expected);
    expect(snapshots.length).toBe(5);
    // The whole image at once is another picture: the network sees further.
    expect(await finish(base)).not.toEqual(expected);
    expect(device.counters.liveBytes).toBe(before);
    base.unet.dispose();
  });

  test("of the tile's own size is the run without tiles", async () => {
    const base = await options(await gpuDevice());
    const { shape, known, ...rest } = base;
    const one = { ...rest, shape: { ...shape, height: tiles, width: tiles } };
    expect(await finish({ ...one, tiles: { side: tiles, atOnce: 4 } })).toEqual(await finish(one));
    expect([shape.width, known.keep.length]).toEqual([40, 1280]);
    base.unet.dispose();
  });

  test("is guided by tiles, too", async () => {
    const device = await gpuDevice();
    const base = await options(device);
    const file = bytesSource("classifier", tinyClassifier({ imageSize: 32 }));
    const classifier = await Classifier.load(device, await openClassifier(file));
    const guidance = { classifier, scale: 3, classes: [1] };
    const guided = await finish({ ...base, guidance, tiles: { side: tiles, atOnce: 4 } });
    expect(await finish({ ...base, guidance, tiles: { side: tiles, atOnce: 1 } })).toEqual(guided);
    expect(guided).not.toEqual(await finish({ ...base, tiles: { side: tiles, atOnce: 4 } }));
    classifier.dispose();
    base.unet.dispose();
  });
});
