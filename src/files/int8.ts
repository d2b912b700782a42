/**
 * Weights as int8 in a file: symmetric, one float32 scale an output channel (the first dimension). A tensor NAME of
 * type I8 stands beside NAME.scale, F32 [NAME.shape[0]], and a value is int8 · scale of its row. Readers of weights see
 * NAME alone, with its values. Not here: whole files (cli/commands/convert.ts).
 */
import { CheckpointError } from "../errors.ts";
import { quoted } from "../text/quoted.ts";
import type { TensorFile, TensorInfo } from "./tensorFile.ts";

/** Key of the file's metadata, and what stands there: for people, and for readers that want to be sure. */
export const quantizationKey = "quantization";
export const quantizationWords =
  "int8, symmetric, one scale an output channel: NAME (I8) times NAME.scale (F32) of its row, the first dimension";

export const scaleName = (name: string): string => `${name}.scale`;

/** Matrices: convolutions and linear layers, but no tables of embeddings, of which a row is one class. */
export function isMatrix(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && name.endsWith(".weight") && !/emb(edding)?\.weight$/.test(name);
}

const largest = 127;

/**
 * Rows to nearest int8; a row of zeros has the scale 1. `values` are row-major.
 * @throws CheckpointError for NaN and infinity
 */
export function quantize(values: ArrayLike<number>, rows: number): { data: Int8Array; scales: Float32Array } {
  const width = values.length / rows;
  const data = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let magnitude = 0;
    for (let i = row * width; i < (row + 1) * width; i++) magnitude = Math.max(magnitude, Math.abs(values[i]!));
    if (!Number.isFinite(magnitude))
      throw new CheckpointError(`expected finite weights for int8, got ${magnitude} in output channel ${row}`);
    // As it is stored, so that the reader divides and multiplies by the same number.
    const scale = Math.fround(magnitude / largest) || 1;
    scales[row] = scale;
    for (let i = row * width; i < (row + 1) * width; i++)
      data[i] = Math.max(-largest, Math.min(largest, Math.round(values[i]! / scale)));
  }
  return { data, scales };
}

/** In place: int8 values become those of the weights. */
export function dequantize(values: Float32Array, scales: Float32Array): void {
  const width = values.length / scales.length;
  for (let i = 0; i < values.length; i++) values[i]! *= scales[Math.floor(i / width)]!;
}

/**
 * The file as readers of weights see it: int8 tensors with their scales, which are no tensors of their own. Files
 * without int8 weights stay as they are.
 * @throws CheckpointError for a scale that is missing or does not fit its tensor
 */
export function withScales<F extends TensorFile>(file: F): F {
  const { tensors } = file;
  const int8 = [...tensors.values()].filter(({ dtype, name }) => dtype === "I8" && !name.endsWith(".scale"));
  const isQuantized = file.metadata.has(quantizationKey) || int8.some(({ name }) => tensors.has(scaleName(name)));
  if (!isQuantized) return file;
  const seen = new Map<string, TensorInfo>(tensors);
  for (const info of int8) {
    const scale = tensors.get(scaleName(info.name));
    const [rows = 0] = info.shape;
    const expected = `expected ${quoted(scaleName(info.name))}, F32 [${rows}], beside the int8 weights ${quoted(info.name)}`;
    if (!scale) throw new CheckpointError(`${file.name}: ${expected}, and there is none: convert the checkpoint again`);
    if (scale.dtype !== "F32" || scale.shape.length !== 1 || scale.shape[0] !== rows)
      throw new CheckpointError(`${file.name}: ${expected}, got ${scale.dtype} [${scale.shape.join(", ")}]`);
    seen.delete(scale.name);
    seen.set(info.name, { ...info, scale });
  }
  return { ...file, tensors: seen };
}

/** @throws CheckpointError for a scale that is no finite number above 0 */
export function checkScales(file: TensorFile, name: string, scales: Float32Array): void {
  const wrong = scales.findIndex((scale) => !(scale > 0 && scale < Infinity));
  if (wrong === -1) return;
  throw new CheckpointError(
    `${file.name}: ${quoted(scaleName(name))}: expected finite numbers above 0, got ${scales[wrong]} for channel ${wrong}: the file is damaged`,
  );
}
