/** A network over an image larger than its own: tiles one by one, averaged on the host, are the definition. */
import { expect, test } from "vitest";
import { readFloats } from "../src/engine/readback.ts";
import { TiledForward } from "../src/repaint/tiledForward.ts";
import { tileRow } from "../src/repaint/tiles.ts";
import { UNet, type UNetSession } from "../src/unet/unet.ts";
import { goldenCheckpoint, relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";

const shape = { batch: 2, channels: 3, height: 40, width: 56 };
const tile = { height: 32, width: 16 };
/** Floats of a pixel. */
const [inStride, outStride] = [4, 8];

const pixels = Float32Array.from(values(shape.batch * shape.height * shape.width * inStride, 1));

async function tiled(unet: UNet, tilesAtOnce: number): Promise<Float32Array> {
  const { device } = unet;
  const session = (size: typeof shape) => unet.session(size);
  const forward = await TiledForward.create<UNetSession>({ device, shape, tile, tilesAtOnce, outChannels: 6, session });
  const table = await unet.embed([400, 10]);
  device.upload(forward.x, 0, pixels);
  forward.submit((one, images) => one.submit(table, [...images]));
  const out = await readFloats(device, forward.out);
  table.dispose();
  forward.dispose();
  return out.slice(0, shape.batch * shape.height * shape.width * outStride);
}

/** Tile by tile through a session of one, averaged in float64. Image n is at the n-th timestep. */
async function defined(unet: UNet): Promise<Float64Array> {
  const { device } = unet;
  const [rows, columns] = [tileRow(shape.height, tile.height), tileRow(shape.width, tile.width)];
  const session = await unet.session({ ...tile, batch: 1 });
  const table = await unet.embed([400, 10]);
  const sum = new Float64Array(shape.batch * shape.height * shape.width * outStride);
  for (let n = 0; n < shape.batch; n++)
    for (const [row, top] of rows.origins.entries())
      for (const [column, left] of columns.origins.entries()) {
        const at = (y: number, x: number) => (n * shape.height + top + y) * shape.width + left + x;
        const cut = new Float32Array(tile.height * tile.width * inStride);
        for (let i = 0; i < tile.height * tile.width; i++) {
          const from = at(Math.floor(i / tile.width), i % tile.width) * inStride;
          cut.set(pixels.subarray(from, from + inStride), i * inStride);
        }
        device.upload(session.x, 0, cut);
        session.submit(table, [n]);
        const out = await readFloats(device, session.out);
        for (let i = 0; i < tile.height * tile.width; i++) {
          const [y, x] = [Math.floor(i / tile.width), i % tile.width];
          const weight = rows.weights[row * tile.height + y]! * columns.weights[column * tile.width + x]!;
          for (let c = 0; c < outStride; c++) sum[at(y, x) * outStride + c]! += weight * out[i * outStride + c]!;
        }
      }
  table.dispose();
  session.dispose();
  return sum;
}

test("tiles are averaged as defined, with the same bits for every batch, and leave nothing behind", async () => {
  const device = await gpuDevice();
  const unet = await UNet.load(device, await goldenCheckpoint("unet/adm.weights.safetensors"));
  const before = device.counters.liveBytes;
  const out = await tiled(unet, 4);
  expect(relativeError(out, Float32Array.from(await defined(unet)))).toBeLessThan(1e-6);
  expect(await tiled(unet, 1)).toEqual(out);
  expect(await tiled(unet, 100)).toEqual(out);
  expect(device.counters.liveBytes).toBe(before);
  unet.dispose();
});
