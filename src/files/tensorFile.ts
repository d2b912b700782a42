/**
 * What a file of tensors is, whatever its format. Not here: the formats.
 */
import type { FileType } from "./types.ts";

/** `begin` and `end` are byte offsets from the start of the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: FileType;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
  /** Of int8 weights: the tensor of their scales (int8.ts). */
  readonly scale?: TensorInfo;
}

export interface TensorFile {
  readonly name: string;
  readonly metadata: Map<string, string>;
  /** In the order of the header. */
  readonly tensors: Map<string, TensorInfo>;
  /**
   * The raw little-endian bytes of one tensor.
   * @throws CheckpointError if there is none of that name
   */
  read(name: string): Promise<Uint8Array>;
}
