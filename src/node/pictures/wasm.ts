/**
 * Decoders that packages bring as WebAssembly modules of C: compiled when the first file wants them, and an instance of
 * its own for every file. So a hostile file reaches nothing but its own memory, and that memory goes with it. Not here:
 * which functions of a decoder are called with what (jpeg.ts, webp.ts).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A decoder's exports: functions of numbers and addresses, beside its memory. */
export interface WasmDecoder {
  readonly call: (name: string, ...values: readonly number[]) => number;
  /** Copies bytes into the decoder's memory. */
  readonly put: (bytes: Uint8Array) => number;
  /** @throws Error where there is no memory for so many bytes */
  readonly allocate: (bytes: number) => number;
  /** A view of the memory, good until the next call. */
  readonly view: (address: number, bytes: number) => Uint8Array;
}

const modules = new Map<string, WebAssembly.Module>();

/** @param file as `require` would find it: "package/decoder.wasm" */
export function openDecoder(file: string): WasmDecoder {
  let module = modules.get(file);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve(file)));
    modules.set(file, module);
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const memory = exports.memory as WebAssembly.Memory;
  const call: WasmDecoder["call"] = (name, ...values) =>
    // Addresses are unsigned, WebAssembly's numbers are not.
    (exports[name] as (...all: readonly number[]) => number)(...values) >>> 0;
  const allocate = (bytes: number): number => {
    const address = call("malloc", bytes);
    if (address === 0) throw new Error("there is not enough memory for it");
    return address;
  };
  const view = (address: number, bytes: number): Uint8Array => new Uint8Array(memory.buffer, address, bytes);
  const put = (bytes: Uint8Array): number => {
    const address = allocate(Math.max(1, bytes.length));
    view(address, bytes.length).set(bytes);
    return address;
  };
  return { call, put, allocate, view };
}

/** C leaves a function that went wrong by longjmp: here by an exception, after which the instance is not used again. */
const giveUp = (): never => {
  throw new Error("its data cannot be decoded");
};
/** What C wants of a system: nothing is read, and what it prints is dropped. */
const nothing = (): number => 0;
const imports = {
  env: { setjmp: nothing, longjmp: giveUp },
  wasi_snapshot_preview1: {
    environ_sizes_get: nothing,
    environ_get: nothing,
    proc_exit: giveUp,
    fd_close: nothing,
    fd_seek: nothing,
    fd_write: nothing,
  },
};
