/**
 * Projections that are too large for one matrix: the parts of a table against float64, and a forward that takes them
 * all.
 */
import { expect, test } from "vitest";
import { readFloats } from "../src/engine/readback.ts";
import { expectedTensors } from "../src/checkpoints/layers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { synthesizeFloat16, synthesizeTensor } from "../src/checkpoints/synthesis.ts";
import { completeConfig, parseFlags } from "../src/checkpoints/flags.ts";
import { UNet } from "../src/unet/unet.ts";
import { embeddingLayout } from "../src/unet/weights.ts";
import { gpuDevice } from "./support/gpu.ts";
import { bytesSource } from "../src/files/bytes.ts";

/** A wide embedding over a narrow network: 67 blocks of 128 columns, 1 MiB each in f32. */
const flags = {
  image_size: 8,
  in_channels: 3,
  model_channels: 512,
  out_channels: 3,
  channel_mult: [0.125],
  num_heads: 1,
  num_res_blocks: 32,
  attention_resolutions: [],
  use_scale_shift_norm: true,
};
const timesteps = [0, 999, 500];

const silu = (x: number) => x / (1 + Math.exp(-x));

function linear(name: string, rows: readonly number[], x: readonly number[], columns: number): number[] {
  const weight = synthesizeTensor(`${name}.weight`, [columns, x.length]);
  const bias = synthesizeTensor(`${name}.bias`, [columns]);
  return rows.map((row) => x.reduce((sum, value, i) => sum + weight[row * x.length + i]! * value, bias[row]!));
}

test("every part holds its blocks' projections of every timestep", async () => {
  const tensors = [...expectedTensors(completeConfig(parseFlags(flags)))].map(([name, shape]) => ({
    name,
    shape,
    dtype: "F16" as const,
    data: synthesizeFloat16(name, shape),
  }));
  const file = writeSafetensors(tensors, { guided_diffusion_unet: JSON.stringify(flags) });
  const checkpoint = await openCheckpoint(bytesSource("wide", file));
  const { parts } = embeddingLayout(checkpoint.architecture);
  expect(parts.length).toBe(2);
  const device = await gpuDevice();
  const network = await UNet.load(device, checkpoint);
  const table = await network.embed(timesteps);
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);
  const embeddings = timesteps.map((t) => {
    const angles = all(256).map((i) => t * Math.exp((-Math.log(10000) * i) / 256));
    const sinusoid = [...angles.map(Math.cos), ...angles.map(Math.sin)];
    const hidden = linear("time_embed.0", all(2048), sinusoid, 2048).map(silu);
    return linear("time_embed.2", all(2048), hidden, 2048).map(silu);
  });
  const columns = [0, 1, 63, 64, 127];
  for (const [index, { layers, width }] of parts.entries()) {
    const blocks = layers.map(({ block }) => block);
    const rows = await readFloats(device, table.parts[index]!.buffer);
    for (const block of [blocks[0]!, blocks.at(-1)!])
      for (const [row, embedding] of embeddings.entries()) {
        const expected = linear(`${block}.emb_layers.1`, columns, embedding, 128);
        const at = row * width + 128 * blocks.indexOf(block);
        columns.forEach((column, i) => expect(rows[at + column]).toBeCloseTo(expected[i]!, 3));
      }
  }
  // The second image's row is put together from both parts: image n of a batch is what it is alone.
  const forward = async (rows: readonly number[]) => {
    const session = await network.session({ batch: rows.length, height: 8, width: 8 });
    const x = Float32Array.from({ length: rows.length * 256 }, (_, i) => Math.sin(i % 256));
    device.upload(session.x, 0, x);
    session.submit(table, rows);
    const out = await readFloats(device, session.out);
    session.dispose();
    return out;
  };
  const together = await forward([2, 1]);
  const half = together.length / 2;
  expect(together.slice(half)).toEqual(await forward([1]));
  expect(together.slice(0, half)).not.toEqual(together.slice(half));
  table.dispose();
  network.dispose();
});
