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
export async function embedRows(loaded: LoadedNetwork, request: EmbeddingRequest): Promise<EmbeddingTable> {
  const { device } = loaded;
  const rows = request.timesteps.length;
  const tables: EmbeddingPartTable[] = [];
  const dispose = () => tables.forEach(({ buffer }) => device.destroyBuffer(buffer));
  try {
    for (const { name, offset, width } of embeddingLayout(request.architecture).parts) {
      // Whole chunks, so that every chunk's range lies inside.
      const bytes = Math.ceil(rows / embeddingRows) * embeddingRows * width * 4;
      const buffer = await device.createBuffer(`${name}.table`, bytes, tensorUsage);
      tables.push({ buffer, offset: offset * 4, rowBytes: width * 4 });
    }
    await fillTables(loaded, request, tables);
    return { parts: tables, rows, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Computes the rows, a chunk of them at a time. */
async function fillTables(
  loaded: LoadedNetwork,
  { architecture, choices, timesteps, classes }: EmbeddingRequest,
  tables: readonly EmbeddingPartTable[],
): Promise<void> {
  const { device } = loaded;
  const planned = planEmbedding({ ...(await loaded.planning()), architecture, choices }, embeddingRows);
  const inputs = await Buffers.create(device, embeddingInputs(planned));
  try {
    device.upload(inputs.of(planned.frequencies), 0, timestepFrequencies(architecture));
    for (let first = 0; first < timesteps.length; first += embeddingRows) {
      const end = first + embeddingRows;
      device.upload(inputs.of(planned.timesteps), 0, Float32Array.from(timesteps.slice(first, end)));
      if (planned.classes) device.upload(inputs.of(planned.classes), 0, Uint32Array.from(classes!.slice(first, end)));
      const outputs = planned.parts.map((tensor, index) => {
        const { buffer, rowBytes } = tables[index]!;
        return [tensor, { buffer, offset: first * rowBytes }] as const;
      });
      const externals = new Map([...loaded.ranges, ...inputs.ranges, ...outputs]);
      const executor = await Executor.create(device, planned.plan, externals);
      executor.submit();
      await device.idle();
      executor.dispose();
    }
  } finally {
    inputs.dispose();
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
