/**
 * Opens a file of tensors of any format, recognised by its content. Not here: what network it holds (src/checkpoints).
 */
import { beginsAsSafetensors, openSafetensors } from "./safetensors.ts";
import type { ByteSource } from "./bytes.ts";
import { withScales } from "./int8.ts";
import type { TensorFile } from "./tensorFile.ts";

/** A file whose header is read. */
export interface OpenTensors extends TensorFile {
  readonly format: "safetensors" | "zip" | "pickle";
  /** What the file left open and how it was taken, in words. */
  readonly assumed: readonly string[];
  /** Of several state dicts in one pickle: where the taken one was found ("" at its top level), and the others. */
  readonly place?: { readonly path: string; readonly others: readonly string[] };
}

/**
 * Tensors of a safetensors or PyTorch file, distinguished by content; a file that is open already is not read again. Of
 * several state dicts `network` names the one to take, or a module in it.
 * @throws CheckpointError for a file that is neither, is damaged, or asks for more than a state dict needs
 */
export async function openTensors(source: ByteSource | OpenTensors, network?: string): Promise<OpenTensors> {
  if ("tensors" in source) return source;
  // Pages whose weights are safetensors do not pay for the other reader, nor for words about other files.
  const format = (await beginsAsSafetensors(source))
    ? "safetensors"
    : await (await import("./pytorch/formats.ts")).recogniseFormat(source);
  if (format === "safetensors") return { ...withScales(await openSafetensors(source)), format, assumed: [] };
  const { openPyTorch } = await import("./pytorch/open.ts");
  return { ...(await openPyTorch(source, format, network)), format };
}
