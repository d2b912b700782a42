/**
 * Tells a checkpoint's format by its first bytes, never by its name, and says what else a file is that people mistake for a
 * checkpoint. Not here: whether the file is whole.
 */
import { CheckpointError } from "../../errors.ts";
import { quoted } from "../../text/quoted.ts";
import type { ByteSource } from "../bytes.ts";

export type CheckpointFormat = "safetensors" | "zip" | "pickle";

const headBytes = 512;
/** Protocols 2 and later say so; of the others, torch.save's magic number as text and what plain pickles begin with. */
const pickleStart = /^\x80[\x00-\x05]|^L\d{20,}L|^c[\w.]+\r?\n[\w.]+\r?\n|^[}\]][q.(]|^\([SVIXUKidltc(}\]]/;

/** Throws CheckpointError for a file that is none of the formats. */
export async function recogniseFormat(source: ByteSource): Promise<CheckpointFormat> {
  const fail = (came: string, remedy: string): never => {
    throw new CheckpointError(`${source.name}: expected a checkpoint (safetensors or PyTorch), got ${came}; ${remedy}`);
  };
  if (source.size === 0) return fail("an empty file", "download it again");
  const head = await source.read(0, Math.min(headBytes, source.size));
  const text = String.fromCharCode(...head);
  const again = "download it again";
  if (isSafetensors(head, source.size)) return "safetensors";
  if (/^PK(\x03\x04|\x05\x06)/.test(text)) return "zip";
  if (pickleStart.test(text)) return "pickle";
  if (/^(\xef\xbb\xbf)?\s*<(!|\w|\?)/.test(text)) return fail("a web page", "was the download refused? " + again);
  if (text.startsWith("version https://")) return fail("a Git LFS pointer", "fetch the file itself (git lfs pull)");
  if (/^\s*[{[]\s*("|\})/.test(text)) return fail(`JSON text (${quoted(text.slice(0, 40))})`, "give the weights' file");
  if (text.slice(257, 262) === "ustar") return fail("a tar archive", "unpack it, or save it with PyTorch 1.6 or later");
  if (text.startsWith("\x1f\x8b")) return fail("a gzip archive", "unpack it");
  if (text.startsWith("\x89HDF")) return fail("an HDF5 file", "convert its weights to safetensors");
  // The reader of safetensors says what is wrong with a header, and knows images and others.
  return "safetensors";
}

/** A header's length that fits the file and a header that begins as it must. */
function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 9 || head[8] !== 0x7b) return false;
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return length <= BigInt(size - 8);
}
