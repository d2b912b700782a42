/** Softmax(q·kᵀ·scale)·v with the whole row of scores at hand. */
import type { attention } from "../../src/shaders/attention.ts";
import type { TwinOf } from "./twin.ts";

export const attentionTwin: TwinOf<typeof attention> = ({ tensors: { qkv }, parameters: p }) => {
  const width = p.heads * p.headChannels;
  const y = new Float64Array(p.batch * p.length * width);
  const at = (n: number, t: number, part: number, head: number, c: number) =>
    qkv[(n * p.length + t) * 3 * width + part * width + head * p.headChannels + c]!;
  for (let n = 0; n < p.batch; n++)
    for (let head = 0; head < p.heads; head++)
      for (let t = 0; t < p.length; t++) {
        const scores: number[] = [];
        for (let s = 0; s < p.length; s++) {
          let dot = 0;
          for (let c = 0; c < p.headChannels; c++) dot += at(n, t, 0, head, c) * at(n, s, 1, head, c);
          scores.push(dot * p.scale);
        }
        const maximum = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - maximum));
        const total = weights.reduce((a, b) => a + b, 0);
        for (let c = 0; c < p.headChannels; c++) {
          let sum = 0;
          for (let s = 0; s < p.length; s++) sum += (weights[s]! / total) * at(n, s, 2, head, c);
          y[(n * p.length + t) * width + head * p.headChannels + c] = sum;
        }
      }
  return { y };
};
