/**
 * Opens a file of tensors of any format, told by its content. Not here: what network it holds (src/checkpoints).
 */
import { type CheckpointFormat, recogniseFormat } from "./pytorch/formats.ts";
import { openSafetensors, type TensorFile } from "./safetensors.ts";
import type { ByteSource } from "./bytes.ts";

/** A file whose header is read. */
export interface OpenTensors extends TensorFile {
  readonly format: CheckpointFormat;
  /** What the file left open and how it was taken, in words. */
  readonly assumed: readonly string[];
}

/**
 * Tensors of a safetensors or PyTorch file, told apart by content; a file that is open already is not read again.
 * @throws CheckpointError for a file that is neither, is damaged, or asks for more than a state dict needs
 */
export async function openTensors(source: ByteSource | OpenTensors): Promise<OpenTensors> {
  if ("tensors" in source) return source;
  const format = await recogniseFormat(source);
  if (format === "safetensors") return { ...(await openSafetensors(source)), format, assumed: [] };
  // Pages whose weights are safetensors do not pay for the other reader.
  const { openPyTorch } = await import("./pytorch/open.ts");
  return { ...(await openPyTorch(source, format)), format };
}
