/**
 * AVIF to pixels by libavif, which comes in the optional package @jsquash/avif and is loaded for such a file only: it
 * is thirty times as large as the decoders of all other formats together.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { InputError } from "../../errors.ts";
import { type AvifHeader, readAvifHeader } from "./avifHeader.ts";
import { mendAvif } from "./avifOfOldEncoders.ts";
import { checkPixels } from "./limits.ts";

interface DecodedAvif {
  readonly header: AvifHeader;
  readonly width: number;
  readonly height: number;
  /** RGBA, not turned. */
  readonly data: Uint8Array;
}

interface Decoder {
  decode(file: Uint8Array, bits: number): { width: number; height: number; data: Uint8ClampedArray } | null;
}
type OpenDecoder = (options: {
  noInitialRun: boolean;
  instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}) => Promise<Decoder>;

/** @throws Error with the reason; InputError for a size that is none or too large, and where the package is missing */
export async function decodeAvif(bytes: Uint8Array, name: string): Promise<DecodedAvif> {
  const header = readAvifHeader(bytes);
  checkPixels({ width: header.width, height: header.height, name, bytesPerPixel: 16 });
  const { open, module } = await loadDecoder(name);
  // An instance for every file: its memory goes with it.
  const decoder = await open({
    noInitialRun: true,
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
  const decoded = decoder.decode(mendAvif(bytes), 8);
  if (!decoded) throw new Error("its data cannot be decoded");
  const { width, height, data } = decoded;
  if (width * height > 4 * header.width * header.height) throw new Error("its header contradicts itself");
  return { header, width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

let compiled: WebAssembly.Module | undefined;

async function loadDecoder(name: string): Promise<{ open: OpenDecoder; module: WebAssembly.Module }> {
  let open: OpenDecoder;
  try {
    open = ((await import("@jsquash/avif/codec/dec/avif_dec.js")) as unknown as { default: OpenDecoder }).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new InputError(
      `${name} is an AVIF picture, and the package that reads them is not installed: npm install @jsquash/avif, or convert it to PNG`,
    );
  }
  const path = createRequire(import.meta.url).resolve("@jsquash/avif/codec/dec/avif_dec.wasm");
  compiled ??= new WebAssembly.Module(readFileSync(path));
  return { open, module: compiled };
}
