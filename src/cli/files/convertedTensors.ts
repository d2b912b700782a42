/** The tensors that `convert` writes: each as it is, in another floating type, or as int8 with its scales. */
import { CheckpointError } from "../../errors.ts";
import {
  type ConversionTarget,
  conversionTargets,
  convertFloats,
  isConvertible,
  isFloatType,
  targetType,
  widerTargets,
} from "../../files/conversion.ts";
import { dequantize, isMatrix, quantize, scaleName } from "../../files/int8.ts";
import { readFloat32 } from "../../files/safetensors.ts";
import type { OpenTensors } from "../../files/open.ts";
import type { TensorFile, TensorInfo } from "../../files/tensorFile.ts";
import type { FileType } from "../../files/types.ts";
import { relativeError } from "../../numbers/floats.ts";
import type { StreamedTensor } from "../../node/tensorWriter.ts";
import { count } from "../../text/quantities.ts";

/** What users ask for with --dtype; i8 is for matrices alone, everything else then keeps its type. */
export type Dtype = ConversionTarget | "i8";
export const dtypes: readonly Dtype[] = [...conversionTargets, "i8"];

/** What the conversion costs, as it is written. */
export class Losses {
  /** Relative error ‖w − ŵ‖/‖w‖ of each matrix that was rounded to int8. */
  readonly rounding = new Map<string, number>();
  readonly #type: Dtype | undefined;
  #overflows = 0;
  #largest = { name: "", value: 0 };

  constructor(type: Dtype | undefined) {
    this.#type = type;
  }

  /** Finite values that are infinite in the new type: one makes a network's every output NaN. */
  overflow(name: string, overflows: number, largest: number): void {
    this.#overflows += overflows;
    if (largest > this.#largest.value) this.#largest = { name, value: largest };
  }

  /** @throws CheckpointError where a value did not fit */
  refuseOverflow(file: string): void {
    if (this.#overflows === 0) return;
    const { name, value } = this.#largest;
    const wider = widerTargets(this.#type as ConversionTarget);
    throw new CheckpointError(
      `${file}: ${count(this.#overflows, "value")} too large for ${this.#type} (the largest is ${value.toPrecision(6)}, in ${name}): ` +
        (wider.length > 0 ? `convert to ${wider.join(" or ")}, or keep the type` : "keep the type"),
    );
  }
}

/** Whether a file written so has int8 weights. */
export function hasInt8({ tensors }: TensorFile, to: Dtype | undefined): boolean {
  return to === "i8" || (to === undefined && [...tensors.values()].some(({ scale }) => scale));
}

/**
 * The file as a network is looked for in it: what no network is read in, 8-bit floats, counts as what it is converted
 * to, so that the flags are found.
 */
export function asConverted(file: OpenTensors, to: Dtype | undefined): OpenTensors {
  if (to === undefined || to === "i8") return file;
  const isOther = (dtype: FileType): boolean => isConvertible(dtype) && !isFloatType(dtype);
  const tensors = new Map(
    [...file.tensors].map(([name, info]) => [
      name,
      isOther(info.dtype) ? Object.assign({}, info, { dtype: targetType(to) }) : info,
    ]),
  );
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await file.read(name);
    const { dtype } = file.tensors.get(name)!;
    return isOther(dtype) ? toBytes(convertFloats(bytes, dtype, to).data) : bytes;
  };
  return Object.assign({}, file, { tensors, read });
}

const toBytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The tensors to write, made one at a time. */
export function convertedTensors(file: TensorFile, to: Dtype | undefined, losses: Losses): StreamedTensor[] {
  return [...file.tensors.values()].flatMap((info) => {
    const { name, shape, dtype, scale } = info;
    if (scale && (to === undefined || to === "i8")) return [unchanged(file, info), unchanged(file, scale)];
    if (scale) return [converted(file, info, to as ConversionTarget, losses)];
    if (to === "i8" && isFloatType(dtype) && isMatrix(name, shape)) return asInt8(file, info, losses);
    if (to === "i8" && isConvertible(dtype) && !isFloatType(dtype))
      throw new CheckpointError(`${file.name}: ${name} is ${dtype}: convert it to f16 first, then to i8`);
    if (to === undefined || to === "i8" || !isConvertible(dtype)) return [unchanged(file, info)];
    return [converted(file, info, to, losses)];
  });
}

function unchanged(file: TensorFile, { name, shape, dtype }: TensorInfo): StreamedTensor {
  return { name, shape, dtype, bytes: () => file.read(name) };
}

function converted(file: TensorFile, info: TensorInfo, to: ConversionTarget, losses: Losses): StreamedTensor {
  const { name, shape, dtype, scale } = info;
  return {
    name,
    shape,
    dtype: targetType(to),
    bytes: async () => {
      // int8 weights by way of their values.
      const bytes = scale ? new Uint8Array((await readFloat32(file, name)).buffer) : await file.read(name);
      const { data, overflows, largest } = convertFloats(bytes, scale ? "F32" : dtype, to);
      losses.overflow(name, overflows, largest);
      return data;
    },
  };
}

/** Two tensors of one matrix, which is read for each, so that no more than one is in memory. */
function asInt8(file: TensorFile, { name, shape }: TensorInfo, losses: Losses): StreamedTensor[] {
  const rows = shape[0]!;
  const quantized = async () => {
    const values = await readFloat32(file, name);
    try {
      return { values, ...quantize(values, rows) };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`${file.name}: ${name}: ${error.message}`);
    }
  };
  return [
    { name: scaleName(name), shape: [rows], dtype: "F32", bytes: async () => (await quantized()).scales },
    {
      name,
      shape,
      dtype: "I8",
      bytes: async () => {
        const { values, data, scales } = await quantized();
        const rounded = Float32Array.from(data);
        dequantize(rounded, scales);
        losses.rounding.set(name, relativeError(rounded, values));
        return data;
      },
    },
  ];
}
