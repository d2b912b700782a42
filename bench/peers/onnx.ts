/**
 * ONNX models for onnxruntime: a convolution (opset 17, float32, NCHW), since it runs nothing smaller than a model, and
 * a network whose graph lies in a file without its weights. The little of protobuf that it takes is written here; field
 * numbers are those of onnx.proto.
 */
import { CheckpointError } from "../../src/errors.ts";

type Field = Uint8Array;

export interface SingleConvolution {
  readonly size: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly kernel: 1 | 3;
}

/** `weight` is [outChannels, channels, kernel, kernel]; input "x", output "y". */
export function convolutionModel(
  { size, channels, outChannels, kernel }: SingleConvolution,
  weight: Float32Array,
  bias: Float32Array,
): Uint8Array {
  const pad = (kernel - 1) / 2;
  const node = message([
    ...["x", "weight", "bias"].map((name) => text(1, name)),
    text(2, "y"),
    text(4, "Conv"),
    bytes(5, integers("kernel_shape", [kernel, kernel])),
    bytes(5, integers("pads", [pad, pad, pad, pad])),
    bytes(5, integers("strides", [1, 1])),
  ]);
  const graph = message([
    bytes(1, node),
    text(2, "convolution"),
    bytes(5, tensor("weight", [outChannels, channels, kernel, kernel], weight)),
    bytes(5, tensor("bias", [outChannels], bias)),
    bytes(11, value("x", [1, channels, size, size])),
    bytes(12, value("y", [1, outChannels, size, size])),
  ]);
  const opset = message([number(2, 17)]);
  return message([number(1, 8), bytes(7, graph), bytes(8, opset)]);
}

/** A tensor of a network, row-major. */
export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * A model whose graph takes its weights as inputs (weights/train/export_onnx.py), with these as constants instead.
 * @throws CheckpointError where graph and weights are of two networks
 */
export function withWeights(model: Uint8Array, weights: ReadonlyMap<string, Weight>): Uint8Array {
  const missing = new Set(weights.keys());
  const constant = (given: Uint8Array): Field | undefined => {
    const { name, dims } = readValue(given);
    const weight = weights.get(name);
    if (!weight) return undefined;
    if (dims.join() !== weight.shape.join())
      throw new CheckpointError(
        `${name}: the ONNX graph has [${dims.join(", ")}], the weights [${weight.shape.join(", ")}]`,
      );
    missing.delete(name);
    return bytes(5, tensor(name, dims, weight.values));
  };
  const filled = fields(model).map((part) => {
    if (part.field !== 7) return part.whole;
    return bytes(
      7,
      message(fields(part.content).map((one) => (one.field === 11 && constant(one.content)) || one.whole)),
    );
  });
  if (missing.size > 0) throw new CheckpointError(`the ONNX graph has no input ${[...missing].join(", ")}`);
  return message(filled);
}

/** Name and shape of a ValueInfoProto. */
function readValue(value: Uint8Array): { name: string; dims: number[] } {
  const within = (content: Uint8Array, field: number) => fields(content).filter((part) => part.field === field);
  const one = (content: Uint8Array, ...path: number[]) =>
    path.reduce((at, field) => within(at, field)[0]?.content ?? new Uint8Array(), content);
  const shape = one(value, 2, 1, 2); // TypeProto, its Tensor, its TensorShapeProto.
  const dims = within(shape, 1).map(({ content }) => fields(content)[0]?.number ?? 0);
  return { name: new TextDecoder().decode(one(value, 1)), dims };
}

interface Part {
  readonly field: number;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
  readonly number: number;
}

/** Of a message with numbers (varints), bytes and messages alone, as models, graphs and values are. */
export function fields(message: Uint8Array): Part[] {
  const parts: Part[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new CheckpointError("the ONNX graph ends in the middle of a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const begin = at;
    const tag = next();
    const type = tag & 7;
    if (type !== 0 && type !== 2) throw new CheckpointError(`the ONNX graph has a field of type ${type}`);
    const number = next();
    const from = at;
    if (type === 2) at += number;
    if (at > message.length) throw new CheckpointError("the ONNX graph ends in the middle of a message");
    parts.push({ field: tag >>> 3, whole: message.subarray(begin, at), content: message.subarray(from, at), number });
  }
  return parts;
}

const float = 1;

function tensor(name: string, dims: readonly number[], data: Float32Array): Field {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message([...dims.map((dim) => number(1, dim)), number(2, float), text(8, name), bytes(9, raw)]);
}

function value(name: string, dims: readonly number[]): Field {
  const shape = message(dims.map((dim) => bytes(1, message([number(1, dim)]))));
  const type = message([bytes(1, message([number(1, float), bytes(2, shape)]))]);
  return message([text(1, name), bytes(2, type)]);
}

/** AttributeProto of type INTS. */
function integers(name: string, values: readonly number[]): Field {
  return message([text(1, name), ...values.map((one) => number(8, one)), number(20, 7)]);
}

const text = (field: number, content: string): Field => bytes(field, new TextEncoder().encode(content));
const number = (field: number, content: number): Field => message([varint(field << 3), varint(content)]);
const bytes = (field: number, content: Uint8Array): Field =>
  message([varint((field << 3) | 2), varint(content.length), content]);

function varint(content: number): Field {
  const out: number[] = [];
  let rest = content;
  do {
    const more = rest > 127;
    out.push((rest & 127) | (more ? 128 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from(out);
}

function message(fields: readonly Field[]): Uint8Array {
  const joined = new Uint8Array(fields.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const field of fields) {
    joined.set(field, at);
    at += field.length;
  }
  return joined;
}
