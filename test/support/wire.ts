/** Values that cross between a test and a page as text: JSON, with typed arrays (any length, bit for bit) in base64. */

const arrayTypes = {
  Float32Array,
  Float64Array,
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
};
type TypedArray = InstanceType<(typeof arrayTypes)[keyof typeof arrayTypes]>;
interface Packed {
  readonly typedArray: keyof typeof arrayTypes;
  readonly base64: string;
}

export function encode(value: unknown): string {
  return JSON.stringify(value ?? null, (_, part: unknown) => {
    if (!ArrayBuffer.isView(part)) return part;
    const type = part.constructor.name;
    if (!(type in arrayTypes)) throw new TypeError(`a ${type} cannot cross between test and page`);
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    let binary = "";
    // In pieces: one call with a million arguments overflows the stack.
    for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { typedArray: type, base64: btoa(binary) };
  });
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_, part: unknown) => (isPacked(part) ? unpack(part) : part));
}

function isPacked(part: unknown): part is Packed {
  return typeof part === "object" && part !== null && "typedArray" in part && "base64" in part;
}

function unpack({ typedArray, base64 }: Packed): TypedArray {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new arrayTypes[typedArray](bytes.buffer);
}
