/**
 * A convolution as an ONNX model (opset 17, float32, NCHW), since onnxruntime runs nothing smaller than a model. The
 * few protobuf messages that it takes are written here; field numbers are those of onnx.proto.
 */
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
