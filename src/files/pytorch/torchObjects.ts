/**
 * Storages and tensors from the arguments that torch.save gives them, checked: types, whole numbers, every view inside
 * its storage. Sources: the formats of torch.serialization and torch._utils. Not here: where the bytes lie
 * (containers).
 */
import { quoted } from "../../text/quoted.ts";
import { fileTypes, type FileType } from "../types.ts";
import type { Budget } from "./operands.ts";
import type { Fail } from "./reader.ts";
import { Global, kindOf, Storage, Tensor } from "./values.ts";

interface ElementType {
  /** Undefined where safetensors has no such type; a tensor of it can then not be read, but the file can. */
  readonly dtype: FileType | undefined;
  readonly bytes: number;
}

const typed = (dtype: FileType): ElementType => ({ dtype, bytes: fileTypes[dtype].bytes });
const unnamed = (bytes: number): ElementType => ({ dtype: undefined, bytes });

/** torch.NAMEStorage, also in torch.cuda. */
const storageTypes = new Map<string, ElementType>([
  ["Double", typed("F64")],
  ["Float", typed("F32")],
  ["Half", typed("F16")],
  ["BFloat16", typed("BF16")],
  ["Long", typed("I64")],
  ["Int", typed("I32")],
  ["Short", typed("I16")],
  ["Char", typed("I8")],
  ["Byte", typed("U8")],
  ["Bool", typed("BOOL")],
  ["ComplexFloat", typed("C64")],
  ["ComplexDouble", unnamed(16)],
  ["QInt8", unnamed(1)],
  ["QUInt8", unnamed(1)],
  ["QInt32", unnamed(4)],
  ["Untyped", unnamed(1)],
]);

/** torch.NAME, where a tensor carries its type and its storage has none. */
const dtypes = new Map<string, ElementType>([
  ["float64", typed("F64")],
  ["float32", typed("F32")],
  ["float16", typed("F16")],
  ["bfloat16", typed("BF16")],
  ["int64", typed("I64")],
  ["int32", typed("I32")],
  ["int16", typed("I16")],
  ["int8", typed("I8")],
  ["uint64", typed("U64")],
  ["uint32", typed("U32")],
  ["uint16", typed("U16")],
  ["uint8", typed("U8")],
  ["bool", typed("BOOL")],
  ["complex64", typed("C64")],
  ["complex128", unnamed(16)],
  ["float8_e4m3fn", typed("F8_E4M3")],
  ["float8_e5m2", typed("F8_E5M2")],
  ["float8_e8m0fnu", typed("F8_E8M0")],
  ["float8_e4m3fnuz", unnamed(1)],
  ["float8_e5m2fnuz", unnamed(1)],
]);

/** More than any tensor of PyTorch has (64). */
const maxDimensions = 64;

/**
 * ("storage", type, key, location, element count) and, in the legacy format, None or (view key, offset, element count).
 */
export function storageOf(id: unknown, format: "zip" | "legacy", fail: Fail): Storage {
  const parts = Array.isArray(id) ? id : fail(`expected a reference to a storage, got ${kindOf(id)}`);
  const [tag, type, key, , count, view] = parts;
  if (tag !== "storage") fail(`expected a reference to a storage, got one to ${describe(tag)}`);
  const typeName = type instanceof Global ? type.qualifiedName : describe(type);
  const match = /^torch(?:\.cuda|\.storage)?\._?(\w+)Storage$/.exec(typeName);
  const element =
    (match && storageTypes.get(match[1]!)) ?? fail(`expected one of torch's storage types, got ${quoted(typeName)}`);
  const text = typeof key === "number" ? String(key) : key;
  if (typeof text !== "string") fail(`expected a storage's key to be a string, got ${kindOf(key)}`);
  const inBytes = (elements: unknown, what: string) => {
    const bytes = natural(elements) * element.bytes;
    return Number.isSafeInteger(bytes)
      ? bytes
      : fail(`storage ${quoted(text)}: expected ${what}, got ${describe(elements)}`);
  };
  const bytes = inBytes(count, "a number of elements");
  const common = { key: text, dtype: element.dtype, typeName, elementBytes: element.bytes, bytes };
  if (format === "zip" || view === null || view === undefined) return new Storage(common);
  if (!Array.isArray(view)) return fail(`storage ${quoted(text)}: expected a view's numbers, got ${kindOf(view)}`);
  const [viewBegin, viewBytes] = [inBytes(view[1], "a view's offset"), inBytes(view[2], "a view's length")];
  if (viewBegin + viewBytes > bytes) fail(`storage ${quoted(text)}: a view of it ends past its ${bytes} bytes`);
  return new Storage({ ...common, viewBegin, viewBytes });
}

interface Context {
  readonly budget: Budget;
  readonly fail: Fail;
}

/** _rebuild_tensor[_v2](storage, offset, size, strides, …): of the storage's own type. */
export function rebuildTensor([storage, ...view]: unknown[], context: Context): Tensor {
  if (!(storage instanceof Storage)) return context.fail(`expected a tensor's storage, got ${kindOf(storage)}`);
  return makeTensor(storage, { dtype: storage.dtype, bytes: storage.elementBytes }, view, context);
}

/** _rebuild_tensor_v3(storage, offset, size, strides, requires_grad, hooks, dtype, …): over an untyped storage. */
export function rebuildTensorV3([storage, ...view]: unknown[], context: Context): Tensor {
  if (!(storage instanceof Storage)) return context.fail(`expected a tensor's storage, got ${kindOf(storage)}`);
  const dtype = view[5];
  const name = dtype instanceof Global ? dtype.qualifiedName : kindOf(dtype);
  const element =
    dtypes.get(name.replace(/^torch\./, "")) ?? context.fail(`expected a torch dtype, got ${quoted(name)}`);
  return makeTensor(storage, element, view, context);
}

function makeTensor(storage: Storage, element: ElementType, view: unknown[], { budget, fail }: Context): Tensor {
  const [offsetValue, size, stride] = view;
  const key = quoted(storage.key);
  const naturals = (value: unknown, what: string): number[] => {
    if (!Array.isArray(value) || value.length > maxDimensions || !value.every((item) => natural(item) === item)) {
      return fail(`a tensor in storage ${key}: expected ${what} of whole numbers ≥ 0, got ${describe(value)}`);
    }
    return value.map(Number);
  };
  const shape = naturals(size, "a size");
  const strides = naturals(stride, "strides");
  const offset = natural(offsetValue);
  budget.spend(256 + 16 * shape.length);
  if (Number.isNaN(offset)) fail(`a tensor in storage ${key}: expected an offset ≥ 0, got ${describe(offsetValue)}`);
  if (shape.length !== strides.length) {
    fail(`a tensor in storage ${key}: expected a stride for each of ${shape.length} dimensions, got ${strides.length}`);
  }
  const isEmpty = shape.includes(0);
  let last = offset;
  let elements = 1;
  for (const [axis, length] of shape.entries()) {
    elements *= length;
    if (!isEmpty) last += (length - 1) * strides[axis]!;
  }
  const available = Math.floor(storage.viewBytes / element.bytes);
  // Doubles only lose their exactness above 2^53, far above any storage: a comparison cannot be fooled by it.
  if (!isEmpty && !(last < available)) {
    fail(
      `a tensor of size ${describe(shape)}, strides ${describe(strides)} and offset ${offset} ends past its storage ${key}, which has ${available} elements`,
    );
  }
  // Strides of 0 repeat elements: a small file must not become gigabytes.
  const mostBytes = Math.max(storage.viewBytes, 16 * 2 ** 20);
  if (!isEmpty && !(elements * element.bytes <= mostBytes)) {
    fail(`a tensor of size ${describe(shape)} repeats the ${available} elements of storage ${key} too often`);
  }
  return new Tensor({ storage, dtype: element.dtype, elementBytes: element.bytes, offset, shape, strides });
}

/** The value itself if it is a whole number ≥ 0 that a double holds exactly, otherwise NaN. */
function natural(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : NaN;
}

function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value).slice(0, 40);
  if (typeof value === "string") return quoted(value);
  if (!Array.isArray(value)) return kindOf(value);
  const items = value.slice(0, 8).map((item) => (Array.isArray(item) ? "a list" : describe(item)));
  return `[${items.join(", ")}${value.length > 8 ? ", …" : ""}]`;
}
