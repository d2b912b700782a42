/**
 * What a pickle of a checkpoint turns into: plain values (numbers, strings, arrays for lists and tuples, Maps for
 * dicts) and the classes below. Nothing here does anything; what may be made is decided in globals.ts.
 */
import type { FileType } from "../types.ts";

/** A class or function that the pickle mentions by name. It is a name and nothing else. */
export class Global {
  readonly qualifiedName: string;
  constructor(qualifiedName: string) {
    this.qualifiedName = qualifiedName;
  }
}

/** Stands for an object of a class that a state dict does not need. What the pickle puts into it is dropped. */
export class Inert {
  readonly className: string;
  constructor(className: string) {
    this.className = className;
  }
}

/** A run of bytes that tensors share. */
export class Storage {
  /** Which of the file's storages: the last part of a zip entry's name, or a key of the legacy list. */
  readonly key: string;
  /** Undefined: untyped, or of a type that safetensors has no name for. */
  readonly dtype: FileType | undefined;
  /** As the file calls it, for messages. */
  readonly typeName: string;
  readonly elementBytes: number;
  /** Of the whole storage in the file. */
  readonly bytes: number;
  /** Bytes of the storage before this view of it; only the legacy format has such views. */
  readonly viewBegin: number;
  readonly viewBytes: number;

  constructor(storage: Omit<Storage, "viewBegin" | "viewBytes"> & { viewBegin?: number; viewBytes?: number }) {
    this.key = storage.key;
    this.dtype = storage.dtype;
    this.typeName = storage.typeName;
    this.elementBytes = storage.elementBytes;
    this.bytes = storage.bytes;
    this.viewBegin = storage.viewBegin ?? 0;
    this.viewBytes = storage.viewBytes ?? storage.bytes;
  }
}

/**
 * A view of a storage. Offset and strides count elements; all were checked to be whole numbers ≥ 0 and to lie inside.
 */
export class Tensor {
  readonly storage: Storage;
  readonly dtype: FileType | undefined;
  readonly elementBytes: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(tensor: Tensor) {
    this.storage = tensor.storage;
    this.dtype = tensor.dtype;
    this.elementBytes = tensor.elementBytes;
    this.offset = tensor.offset;
    this.shape = tensor.shape;
    this.strides = tensor.strides;
  }
}

export function kindOf(value: unknown): string {
  if (value === null) return "None";
  if (value instanceof Map) return "a dict";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Global) return `the global ${value.qualifiedName}`;
  if (value instanceof Inert) return `an object of ${value.className}`;
  if (value instanceof Storage) return "a storage";
  if (value instanceof Tensor) return "a tensor";
  return typeof value === "string" ? "a string" : typeof value === "boolean" ? "a boolean" : "a number";
}
