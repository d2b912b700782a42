/**
 * What people give in place of the file that is expected, recognised by a file's first bytes. For errors, and loaded
 * only then. Not here: the formats that are read (open.ts, pytorch/formats.ts).
 */
import { quoted } from "../text/quoted.ts";

/** How many of a file's first bytes are needed: a tar archive's mark comes late. */
export const headBytes = 512;

interface OtherFormat {
  readonly is: (text: string) => boolean;
  readonly what: (text: string) => string;
  readonly remedy: string;
}

const format = (pattern: RegExp, what: string, remedy: string): OtherFormat => {
  return { is: (text) => pattern.test(text), what: () => what, remedy };
};

const otherFormats: readonly OtherFormat[] = [
  // Where safetensors alone are read.
  format(/^PK\x03\x04|^\x80[\x02-\x05]/, "a PyTorch file (.pt, .pth)", "convert it to safetensors (repaint convert)"),
  format(/^(\xef\xbb\xbf)?\s*<(!|\w|\?)/, "a web page", "was the download refused? download it again"),
  format(/^version https:\/\//, "a Git LFS pointer", "fetch the file itself (git lfs pull)"),
  {
    is: (text) => /^\s*[{[]\s*("|\})/.test(text),
    what: (text) => `JSON text (${quoted(text.slice(0, 40))})`,
    remedy: "give the weights' file",
  },
  format(/^.{257}ustar/s, "a tar archive", "unpack it, or save it with PyTorch 1.6 or later"),
  format(/^\x1f\x8b/, "a gzip archive", "unpack it"),
  format(/^7z\xbc\xaf|^Rar!|^\xfd7zXZ|^\x28\xb5\x2f\xfd|^BZh\d/, "an archive (7z, rar, xz, zst or bz2)", "unpack it"),
  format(
    /^\x08[\x01-\x1f]\x12[\x00-\x7f][\w.-]/,
    "an ONNX file",
    "give the PyTorch checkpoint that it was exported from",
  ),
  format(/^.{4}TFL\d/s, "a TFLite file", "give the PyTorch checkpoint that it was made from"),
  format(/^[\x80-\x8f\xde\xdf].{0,2}[\xa1-\xbf]\w/s, "a msgpack file (of Flax)", "convert its weights to safetensors"),
  format(/^\x89HDF/, "an HDF5 file", "convert its weights to safetensors"),
  format(/^GGUF/, "a GGUF file", "convert its weights to safetensors"),
  {
    is: (text) => /^[\t\n\r\x20-\x7e]+$/.test(text),
    what: (text) => `text (${quoted(text.trim().slice(0, 80))})`,
    remedy: "was the download refused? download it again, with an access token where the file needs one",
  },
  format(/^\x89PNG|^\xff\xd8\xff/, "an image", "give the weights' file"),
];

/** In words, as "a web page; was the download refused?"; undefined where nothing is known. */
export function otherFormat(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, headBytes));
  const found = otherFormats.find(({ is }) => is(text));
  return found && `${found.what(text)}; ${found.remedy}`;
}
