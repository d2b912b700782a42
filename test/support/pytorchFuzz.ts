/**
 * Seeded damage to PyTorch files: bytes of the whole file, or of the pickle inside a sound container. Whatever comes,
 * opening and reading must end in tensors of the right size or in a user's error. Not here: how many cases run
 * (pytorchFuzz.test.ts).
 */
import { expect } from "vitest";
import { fileTypes } from "../../src/files/types.ts";
import { type Tally, tallyDamaged } from "./damaged.ts";
import {
  build,
  flatten,
  floats,
  global,
  list,
  newObject,
  orderedDict,
  pickle,
  reduce,
  storage,
  tensor,
  torchLegacy,
  torchZip,
} from "./pytorch.ts";
import { uniform } from "./random.ts";
import { bytesSource } from "../../src/files/bytes.ts";
import { openTensors } from "../../src/files/open.ts";

const storages = { 0: floats(1, 2, 3, 4, 5, 6), 1: floats(7, 8) };
const view = (key: string, count: number, size: number[], strides: number[]) => tensor({ key, count, size, strides });
const value = {
  ema: orderedDict({
    "module.a": view("0", 6, [2, 3], [1, 2]),
    "module.b": reduce(global("torch._utils", "_rebuild_parameter"), [view("1", 2, [2], [1]), true, orderedDict({})]),
    "module.c": reduce(global("torch._utils", "_rebuild_tensor_v3"), [
      storage({ key: "1", type: "Untyped", count: 8 }),
      1,
      [2],
      [2],
      false,
      {},
      global("torch", "uint8"),
    ]),
  }),
  args: build(newObject(global("argparse", "Namespace"), []), { lr: 0.5, names: list(["x", "y"]) }),
  path: reduce(global("pathlib", "PosixPath"), ["a"]),
};
const sound = pickle(value);
const legacy = torchLegacy({ a: view("0", 6, [2, 3], [1, 2]) }, { 0: { bytes: storages[0], count: 6 } });
const extremes = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const opcodes =
  "(.012FGIJKLMNPQRSTUVX]abcdeghijlopqrstu})\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";

/** One to eight changes: a byte, an opcode, a number, a piece cut, doubled, moved or the rest gone. */
function mutate(original: Uint8Array, next: () => number): Uint8Array {
  let bytes: Uint8Array = original.slice();
  const below = (n: number) => Math.floor(next() * n);
  const insert = (at: number, piece: Uint8Array) =>
    Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
  for (let changes = 1 + Math.floor(8 * next() ** 3); changes > 0; changes--) {
    const at = below(bytes.length);
    const length = Math.min(bytes.length - at, 1 + below(next() < 0.9 ? 12 : 200));
    const kind = below(8);
    if (bytes.length < 8) return bytes;
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes[at]! ^= 1 << below(8);
    else if (kind === 2) bytes[at] = opcodes.charCodeAt(below(opcodes.length));
    else if (kind === 3) {
      const begin = Math.min(at, bytes.length - 4);
      new DataView(bytes.buffer).setUint32(begin, extremes[below(extremes.length)]!, true);
    } else if (kind === 4) bytes = insert(at, bytes.slice(at, at + length));
    else if (kind === 5) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    else if (kind === 6) bytes = insert(below(bytes.length), bytes.slice(at, at + length));
    else if (next() < 0.1) bytes = bytes.slice(0, at);
  }
  return bytes;
}

/** Cases `first` … `first + count - 1`; goldens are further files to damage. */
export async function fuzz(first: number, count: number, goldens: readonly Uint8Array[]): Promise<Tally> {
  const files = [
    flatten(torchZip(value, storages)),
    flatten(torchZip(value, storages, { zip64: true, descriptors: false, byteOrder: "big" })),
    legacy,
    ...goldens,
  ];
  return tallyDamaged(first, count, 2000, (i) => {
    const next = uniform(i);
    return openAndRead(
      i % 3 === 0 ? flatten(torchZip(mutate(sound, next), storages)) : mutate(files[i % files.length]!, next),
    );
  });
}

async function openAndRead(bytes: Uint8Array): Promise<void> {
  const file = await openTensors(bytesSource("damaged", bytes));
  for (const [name, { shape, dtype, begin, end }] of file.tensors) {
    const size = shape.reduce((a, b) => a * b, fileTypes[dtype].bytes);
    // What repeats elements may be larger than the file, within the bound.
    if (!(size <= Math.max(bytes.length, 16 * 2 ** 20))) throw new Error(`tensor ${name} has ${size} bytes`);
    if (!(begin <= end && end <= bytes.length)) throw new Error(`tensor ${name} is outside of the file`);
    const read = await file.read(name);
    expect(read.length).toBe(size);
  }
}
