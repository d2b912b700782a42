/** Damaged PyTorch files never hang, crash or take memory; test/full runs ten times as many. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { checkpointWorld } from "../src/files/pytorch/globals.ts";
import { Budget } from "../src/files/pytorch/operands.ts";
import { unpickle } from "../src/files/pytorch/pickle.ts";
import { fuzz } from "./support/pytorchFuzz.ts";
import { golden } from "./support/pytorchOpen.ts";
import { Code, global, orderedDict, pickle, reduce, storage, tensor } from "./support/pytorch.ts";

test("10,000 mutated pickles and zips", async () => {
  const { opened, refused, slowestMs } = await fuzz(0, 10_000, [golden("wrapped-views.pt"), golden("hostile-raw.pkl")]);
  expect(opened + refused).toBe(10_000);
  // Both ends are reached: damage that shows, and damage in what is not needed.
  expect(opened).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(5_000);
  expect(slowestMs).toBeLessThan(2_000);
}, 60_000);

describe("a pickle made to fill memory is stopped within 64 MiB", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const memory = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const repeat = (count: number, ...piece: number[]) => {
    const bytes = new Uint8Array(2 + count * piece.length);
    for (let i = 0; i < count; i++) bytes.set(piece, 2 + i * piece.length);
    bytes.set([0x80, 2]);
    return bytes;
  };
  const code = (value: unknown) => [...pickle(value).subarray(2, -1)];
  const memoOf = (value: unknown) => [...code(value), 0x71, 0];
  const many = Array.from({ length: 1000 }, (_, i) => [i, i]);
  const callMany = (callable: Code) => {
    const call = [...callable.bytes, 0x68, 0, 0x85, 0x52];
    return Uint8Array.from([0x80, 2, ...memoOf(many), ...Array.from({ length: 20_000 }, () => call).flat()]);
  };

  test.each<[string, Uint8Array]>([
    ["dicts", repeat(3e6, 0x7d)],
    ["dicts with an item", repeat(1e6, 0x7d, 0x4b, 1, 0x4b, 1, 0x73)],
    ["tuples", repeat(6e6, 0x29)],
    ["numbers", repeat(3e6, 0x4b, 1)],
    ["floats", repeat(3e6, 0x47, 1, 2, 3, 4, 5, 6, 7, 8)],
    ["long numbers", repeat(2e5, 0x8a, 250, ...Array.from({ length: 250 }, () => 7))],
    ["marks", repeat(6e6, 0x28)],
    ["strings", repeat(1e6, 0x55, 3, 65, 66, 67)],
    ["long strings", repeat(1e5, 0x55, 255, ...Array.from({ length: 255 }, () => 65))],
    ["wide strings", repeat(1e6, 0x55, 6, ...new TextEncoder().encode("☃☃"))],
    ["bytes", repeat(1e6, 0x43, 3, 65, 66, 67)],
    ["memos", Uint8Array.from([0x80, 2, 0x4e, ...repeat(6e6, 0x94).subarray(2)])],
    ["globals", repeat(5e5, ...global("a", "b").bytes)],
    ["objects", repeat(5e5, ...reduce(global("pathlib", "Path"), []).bytes)],
    ["ordered dicts", repeat(1e5, ...orderedDict({}).bytes)],
    ["storages", repeat(1e5, ...storage({ key: "0", count: 1 }).bytes)],
    ["tensors", repeat(5e4, ...tensor({ key: "0", count: 1, size: [1, 1, 1, 1], strides: [1, 1, 1, 1] }).bytes)],
    ["dicts of one long list", callMany(global("collections", "OrderedDict"))],
  ])("%s", (_, bytes) => {
    let most = -1;
    const before = memory();
    const fail = (problem: string): never => {
      most = memory() - before;
      throw new Error(problem);
    };
    const budget = new Budget(fail);
    const start = performance.now();
    const run = () => unpickle(bytes, 0, checkpointWorld("zip", budget, fail), budget, fail);
    expect(run).toThrow(/too many objects/);
    expect(performance.now() - start).toBeLessThan(5_000);
    if (process.env.REPAINT_SHOW) console.log(_, (most / 2 ** 20).toFixed(1), (performance.now() - start).toFixed(0));
    expect(most).toBeLessThan(64 * 2 ** 20);
  });
});
