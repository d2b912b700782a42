/**
 * Golden files: those of test/goldens, or with REPAINT_GOLDEN=FOLDER (npm run test:full) the whole set they were
 * copied from. Files that are too large for the repository are only there.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { openSafetensors, readFloat32 } from "../../src/files/safetensors.ts";
import { openCheckpoint, type Checkpoint } from "../../src/checkpoints/checkpoint.ts";
import { openClassifier, type ClassifierCheckpoint } from "../../src/checkpoints/classifier/checkpoint.ts";
import { bytesSource } from "../../src/files/bytes.ts";
import type { TensorFile } from "../../src/files/tensorFile.ts";

const own = new URL("../goldens/", import.meta.url);
const whole = process.env.REPAINT_GOLDEN
  ? new URL(`file://${process.env.REPAINT_GOLDEN.replace(/\/*$/, "/")}`)
  : undefined;

/** Where a golden file is, or undefined where only the whole set has it and that is not at hand. */
export function goldenUrl(path: string): URL | undefined {
  const candidates = [new URL(path, own), ...(whole ? [new URL(path, whole)] : [])];
  return candidates.find((url) => existsSync(url));
}

async function bytes(path: string): Promise<Uint8Array> {
  const url = goldenUrl(path);
  if (!url) throw new Error(`no golden file ${path}: set REPAINT_GOLDEN to the folder that holds it`);
  return readFile(url);
}

export async function goldenTensors(path: string): Promise<TensorFile> {
  return openSafetensors(bytesSource(path, await bytes(path)));
}

export async function goldenCheckpoint(path: string): Promise<Checkpoint> {
  return openCheckpoint(bytesSource(path, await bytes(path)));
}

export async function goldenClassifier(path: string): Promise<ClassifierCheckpoint> {
  return openClassifier(bytesSource(path, await bytes(path)));
}

export function tensor(file: TensorFile, name: string): Promise<Float32Array> {
  return readFloat32(file, name);
}

export function shapeOf(file: TensorFile, name: string): [number, number, number, number] {
  return file.tensors.get(name)!.shape as [number, number, number, number];
}

/** ‖actual − expected‖ / ‖expected‖; infinite where a number is missing or not finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let squares = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i]!)) return Infinity;
    squares += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(squares / norm);
}
