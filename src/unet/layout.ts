/** Between PyTorch's NCHW and the engine's NHWC with padded channels, on the host: inputs and outputs only. */
import { padTo4 } from "../engine/tensor.ts";

export interface ImageShape {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** NCHW to NHWC; padding channels are zero. */
export function toNhwc(values: ArrayLike<number>, { batch, channels, height, width }: ImageShape): Float32Array {
  const padded = padTo4(channels);
  const pixels = height * width;
  const out = new Float32Array(batch * pixels * padded);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < pixels; i++) out[(n * pixels + i) * padded + c] = values[(n * channels + c) * pixels + i]!;
  return out;
}

/** NHWC with padded channels to NCHW. */
export function fromNhwc(values: ArrayLike<number>, { batch, channels, height, width }: ImageShape): Float32Array {
  const padded = padTo4(channels);
  const pixels = height * width;
  const out = new Float32Array(batch * channels * pixels);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < pixels; i++) out[(n * channels + c) * pixels + i] = values[(n * pixels + i) * padded + c]!;
  return out;
}
