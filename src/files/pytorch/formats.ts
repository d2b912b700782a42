/**
 * Recognises a PyTorch file by its first bytes, never by its name. Loaded for files that do not begin as safetensors.
 * Not here: whether the file is whole.
 */
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../bytes.ts";
import { otherFormat, headBytes } from "../otherFormats.ts";

/** Protocols 2 and later say so; of the others, torch.save's magic number as text and what plain pickles begin with. */
const pickleStart = /^\x80[\x00-\x05]|^L\d{20,}L|^c[\w.]+\r?\n[\w.]+\r?\n|^[}\]][q.(]|^\([SVIXUKidltc(}\]]/;

/**
 * "safetensors" where nothing is known: its reader says what is wrong with the header.
 * @throws CheckpointError for what is known to be no checkpoint
 */
export async function recogniseFormat(source: ByteSource): Promise<"safetensors" | "zip" | "pickle"> {
  const head = await source.read(0, Math.min(headBytes, source.size));
  const text = String.fromCharCode(...head);
  if (/^PK(\x03\x04|\x05\x06)/.test(text)) return "zip";
  if (pickleStart.test(text)) return "pickle";
  const other = source.size === 0 ? "an empty file; download it again" : otherFormat(head);
  if (other) throw new CheckpointError(`${source.name}: expected a checkpoint (safetensors or PyTorch), got ${other}`);
  return "safetensors";
}
