/** Timestep and class embeddings. */
import type { classEmbedding } from "../../src/shaders/classEmbedding.ts";
import type { timestepEmbedding } from "../../src/shaders/timestepEmbedding.ts";
import type { TwinOf } from "./twin.ts";

export const timestepEmbeddingTwin: TwinOf<typeof timestepEmbedding> = ({ tensors, parameters: p, variant }) => {
  const y = new Float64Array(p.rows * p.columns);
  const [cos, sin] = variant.order === "cosSin" ? [0, p.half] : [p.half, 0];
  for (let row = 0; row < p.rows; row++)
    for (let i = 0; i < p.half; i++) {
      // The product in f32, as PyTorch and the kernel have it: at t = 1000 its rounding is 3e-5 radians.
      const angle = Math.fround(tensors.timesteps[row]! * tensors.frequencies[i]!);
      y[row * p.columns + cos + i] = Math.cos(angle);
      y[row * p.columns + sin + i] = Math.sin(angle);
    }
  return { y };
};

export const classEmbeddingTwin: TwinOf<typeof classEmbedding> = ({ tensors, parameters: p }) => {
  const y = new Float64Array(p.rows * p.columns);
  for (let row = 0; row < p.rows; row++)
    for (let column = 0; column < p.columns; column++)
      y[row * p.columns + column] = tensors.table[tensors.classes[row]! * p.columns + column]!;
  return { y };
};
