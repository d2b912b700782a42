/**
 * The embeddings of a run computed ahead, row by row: they depend on the timestep and the class alone. Not here: what
 * they are (`planEmbedding` in network.ts).
 */
import type { Device } from "../engine/device.ts";
import { Executor } from "../engine/executor.ts";
import { tensorUsage } from "../engine/usage.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import { Buffers } from "../engine/buffers.ts";
import type { LoadedNetwork } from "./loadedNetwork.ts";
import { embeddingInputs, embeddingRows, planEmbedding, timestepFrequencies } from "./network.ts";
import { embeddingLayout } from "./weights.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";

/** Rows of embeddings on the device; a session takes one row an image. */
export interface EmbeddingTable {
  readonly parts: readonly EmbeddingPartTable[];
  readonly rows: number;
  dispose(): void;
}

/** A part of every row. */
interface EmbeddingPartTable {
  readonly buffer: GPUBuffer;
  /** Of the part in a whole row, bytes. */
  readonly offset: number;
  readonly rowBytes: number;
}

interface EmbeddingRequest {
  readonly architecture: Architecture;
  readonly choices?: ConvolutionChoices | undefined;
  /** In the network's own units, 0 … 999: one for each row. */
  readonly timesteps: readonly number[];
  /** One for each row, of class-conditional networks. */
  readonly classes?: readonly number[] | undefined;
}

/** One row for each timestep, left on the device. @throws OutOfMemoryError */
export async function embedRows(
  loaded: LoadedNetwork,
  { architecture, choices, timesteps, classes }: EmbeddingRequest,
): Promise<EmbeddingTable> {
  const { device } = loaded;
  const { parts } = embeddingLayout(architecture);
  const rows = timesteps.length;
  // Whole chunks, so that every chunk's range lies inside.
  const chunks = Math.ceil(rows / embeddingRows);
  const tables: EmbeddingPartTable[] = [];
  const dispose = () => tables.forEach(({ buffer }) => device.destroyBuffer(buffer));
  try {
    for (const { name, offset, width } of parts) {
      const buffer = await device.createBuffer(`${name}.table`, chunks * embeddingRows * width * 4, tensorUsage);
      tables.push({ buffer, offset: offset * 4, rowBytes: width * 4 });
    }
    const chunkPlan = planEmbedding({ ...(await loaded.planning()), architecture, choices }, embeddingRows);
    const inputs = await Buffers.create(device, embeddingInputs(chunkPlan));
    device.upload(inputs.of(chunkPlan.frequencies), 0, timestepFrequencies(architecture));
    try {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const part = <T>(values: readonly T[]) => values.slice(chunk * embeddingRows, (chunk + 1) * embeddingRows);
        device.upload(inputs.of(chunkPlan.timesteps), 0, Float32Array.from(part(timesteps)));
        if (chunkPlan.classes) device.upload(inputs.of(chunkPlan.classes), 0, Uint32Array.from(part(classes!)));
        const externals = new Map([
          ...loaded.ranges,
          ...inputs.ranges,
          ...chunkPlan.parts.map((tensor, index) => {
            const { buffer, rowBytes } = tables[index]!;
            return [tensor, { buffer, offset: chunk * embeddingRows * rowBytes }] as const;
          }),
        ]);
        const executor = await Executor.create(device, chunkPlan.plan, externals);
        executor.submit();
        await device.idle();
        executor.dispose();
      }
    } finally {
      inputs.dispose();
    }
    return { parts: tables, rows, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Copies row `rows[n]` of the table into row n of `embedding`. */
export function copyRows(device: Device, table: EmbeddingTable, rows: readonly number[], embedding: GPUBuffer): void {
  const encoder = device.gpu.createCommandEncoder();
  const wholeRow = table.parts.reduce((sum, { rowBytes }) => sum + rowBytes, 0);
  for (const [image, row] of rows.entries())
    for (const { buffer, offset, rowBytes } of table.parts)
      encoder.copyBufferToBuffer(buffer, row * rowBytes, embedding, image * wholeRow + offset, rowBytes);
  device.gpu.queue.submit([encoder.finish()]);
}
