/**
 * Safetensors that commands read as inputs: opened for the time of a call, their tensors checked together so that one
 * error lists everything that is missing or misshapen.
 */
import { InputError } from "../../errors.ts";
import { openFileSource, type FileSource } from "../../node/fileSource.ts";
import { openSafetensors, readFloat32 } from "../../files/safetensors.ts";
import type { TensorFile, TensorInfo } from "../../files/tensorFile.ts";

export interface OpenTensors {
  readonly source: FileSource;
  readonly file: TensorFile;
}

export async function withTensors<T>(path: string, body: (opened: OpenTensors) => Promise<T>): Promise<T> {
  const source = await openFileSource(path);
  try {
    return await body({ source, file: await openSafetensors(source) });
  } finally {
    await source.close();
  }
}

const floats = ["F32", "F16", "BF16", "F64"];
const integers = ["I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8"];

/** Collects what is wrong with the tensors of a file. */
export class TensorCheck {
  readonly #file: TensorFile;
  readonly #problems: string[] = [];

  constructor(file: TensorFile) {
    this.#file = file;
  }

  /**
   * The tensor if it is there with this many dimensions, all positive, and of these sizes where they are numbers.
   * `shape` is as people read it: ["N", 3, "H", "W"].
   */
  tensor(
    name: string,
    shape: readonly (string | number)[],
    type: "float" | "integer" | "number",
  ): TensorInfo | undefined {
    const tensor = this.#file.tensors.get(name);
    const wanted = `${name} [${shape.join(", ")}]`;
    if (!tensor) return void this.#problems.push(`${wanted} is missing`);
    const fits =
      tensor.shape.length === shape.length &&
      tensor.shape.every((size, i) => size > 0 && (typeof shape[i] === "string" || size === shape[i]));
    if (!fits) return void this.#problems.push(`expected ${wanted}, got [${tensor.shape.slice(0, 8).join(", ")}]`);
    const types = { float: floats, integer: integers, number: [...floats, ...integers] }[type];
    if (!types.includes(tensor.dtype))
      return void this.#problems.push(`${name}: expected ${types.join(", ")}, got ${tensor.dtype}`);
    return tensor;
  }

  expect(isRight: boolean, problem: string): void {
    if (!isRight) this.#problems.push(problem);
  }

  /** @throws InputError with all problems */
  finish(): void {
    if (this.#problems.length === 0) return;
    const there = [...this.#file.tensors.keys()].slice(0, 12).join(", ");
    throw new InputError(`${this.#file.name}: ${this.#problems.join("; ")} (it has ${there || "no tensors"})`);
  }
}

/** A tensor of whole numbers. @throws InputError if a float in it is none */
export async function readIntegers(file: TensorFile, name: string): Promise<number[]> {
  const values = [...(await readFloat32(file, name))];
  const wrong = values.find((value) => !Number.isInteger(value));
  if (wrong !== undefined) throw new InputError(`${file.name}: ${name} should hold whole numbers, got ${wrong}`);
  return values;
}
