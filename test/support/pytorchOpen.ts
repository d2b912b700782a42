/** Opening PyTorch files in tests, and the form of every refusal. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { flatten, floats, tensor, torchZip } from "./pytorch.ts";
import { bytesSource } from "../../src/files/bytes.ts";
import { openTensors } from "../../src/files/open.ts";

export const golden = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../goldens/checkpoints/${name}`, import.meta.url))).slice();
export const open = (bytes: Uint8Array, name = "some.pt") => openTensors(bytesSource(name, bytes));
/** Opens an archive that holds `value`. */
export const openValue = (value: unknown, storages: Record<string, Uint8Array> = { 0: floats(1, 2, 3, 4, 5, 6) }) =>
  open(flatten(torchZip(value, storages)));

/** That it is refused as a user's mistake, in one line that begins with the file's name. */
export async function refused(promise: Promise<unknown>, message: RegExp) {
  const error: unknown = await promise.then(
    () => "nothing refused",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toMatch(/^some\.pt[^\n]{20,800}$/);
}

/** A tensor of the first two of six floats. */
export const pair = (key = "0") => tensor({ key, count: 6, size: [2], strides: [1] });
