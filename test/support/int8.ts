/** Files of int8 weights, made tensor by tensor. */
import { isMatrix, quantizationKey, quantizationWords, quantize, scaleName } from "../../src/files/int8.ts";
import { readFloat32, safetensorsHeader, type TensorHeader } from "../../src/files/safetensors.ts";
import type { TensorFile } from "../../src/files/tensorFile.ts";

export interface Written extends TensorHeader {
  readonly data: ArrayBufferView;
}

/** A safetensors file of tensors in the order of their alignment. */
export function fileOf(tensors: readonly Written[], metadata?: Record<string, string>): Uint8Array {
  const header = safetensorsHeader(tensors, metadata);
  const parts = [header, ...tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
  return new Uint8Array(Buffer.concat(parts));
}

/** A file's matrices as int8, everything else as it is, scales first. */
export async function quantized(source: TensorFile): Promise<Uint8Array> {
  const [scales, rest]: [Written[], Written[]] = [[], []];
  for (const { name, shape, dtype } of source.tensors.values())
    if (isMatrix(name, shape)) {
      const { data, scales: own } = quantize(await readFloat32(source, name), shape[0]!);
      scales.push({ name: scaleName(name), dtype: "F32", shape: [shape[0]!], data: own });
      rest.push({ name, dtype: "I8", shape, data });
    } else scales.push({ name, dtype, shape, data: await source.read(name) });
  return fileOf([...scales, ...rest], { ...Object.fromEntries(source.metadata), [quantizationKey]: quantizationWords });
}
