/** A model is loaded in one pass: its file's header is read once, and so is each tensor that the network needs. */
import { expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { bytesSource, type ByteSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";
import { RePaint } from "../src/repaint/repaint.ts";
import { gpuDevice } from "./support/gpu.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";

/** The bytes as a file that writes down what is read of it. */
function counted(name: string, bytes: Uint8Array) {
  const source = bytesSource(name, bytes);
  const headerEnd = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const reads: { readonly offset: number; readonly length: number }[] = [];
  const read: ByteSource["read"] = (offset, length) => {
    reads.push({ offset, length });
    return source.read(offset, length);
  };
  return {
    source: { name, size: source.size, read },
    /** How often the whole header was read, and each range behind it. */
    headers: () => reads.filter(({ offset, length }) => offset <= 8 && offset + length >= headerEnd).length,
    tensors: () => reads.filter(({ offset }) => offset >= headerEnd).map(({ offset }) => offset),
  };
}

test("RePaint.load reads headers once and tensors once, of the model and of its guide", async () => {
  const model = counted("model", tinyNetwork());
  const guide = counted("guide", tinyClassifier());
  const repaint = await RePaint.load(model.source, {
    device: await gpuDevice(),
    tune: "off",
    classifier: guide.source,
  });
  repaint.dispose();
  for (const { headers, tensors, source } of [model, guide]) {
    expect(headers(), source.name).toBe(1);
    expect(tensors().length).toBeGreaterThan(0);
    // A classifier's matrices are read for the gradient's layout once more.
    const most = source.name === "guide" ? 2 : 1;
    const times = (offset: number) => tensors().filter((other) => other === offset).length;
    expect(Math.max(...tensors().map(times)), source.name).toBeLessThanOrEqual(most);
  }
});

test("a file that is open is not read again", async () => {
  const model = counted("model", tinyNetwork());
  const file = await openTensors(model.source);
  const checkpoint = await openCheckpoint(file);
  expect(checkpoint.file).toBe(file);
  expect([model.headers(), model.tensors()]).toEqual([1, []]);
  const guide = counted("guide", tinyClassifier());
  await openClassifier(await openTensors(guide.source));
  expect(guide.headers()).toBe(1);
});
