/** Softmax(q·kᵀ·scale)·v with the whole row of scores at hand. */
import type { attention } from "../../src/shaders/attention.ts";
import type { attentionTiled } from "../../src/shaders/attentionTiled.ts";
import type { TwinOf } from "./twin.ts";

type Call = Parameters<TwinOf<typeof attention>>[0];

/** One element of y; the benchmark asks for a few of them where all would take too long. */
export function attentionElement(call: Call, at: number): number {
  const width = call.parameters.heads * call.parameters.headChannels;
  const [row, channel] = [Math.floor(at / width), at % width];
  const head = Math.floor(channel / call.parameters.headChannels);
  const [n, t] = [Math.floor(row / call.parameters.length), row % call.parameters.length];
  return attentionRow(call, n, head, t)[channel % call.parameters.headChannels]!;
}

/** What one query of one head gets. */
function attentionRow({ tensors: { qkv }, parameters: p }: Call, n: number, head: number, t: number): number[] {
  const width = p.heads * p.headChannels;
  const at = (token: number, part: number, c: number) =>
    qkv[(n * p.length + token) * 3 * width + part * width + head * p.headChannels + c]!;
  const scores: number[] = [];
  for (let s = 0; s < p.length; s++) {
    let dot = 0;
    for (let c = 0; c < p.headChannels; c++) dot += at(t, 0, c) * at(s, 1, c);
    scores.push(dot * p.scale);
  }
  const maximum = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - maximum));
  const total = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: p.headChannels }, (_, c) => {
    let sum = 0;
    for (let s = 0; s < p.length; s++) sum += (weights[s]! / total) * at(s, 2, c);
    return sum;
  });
}

export const attentionTwin: TwinOf<typeof attention> = (call) => {
  const { batch, length, heads, headChannels } = call.parameters;
  const y = new Float64Array(batch * length * heads * headChannels);
  for (let n = 0; n < batch; n++)
    for (let head = 0; head < heads; head++)
      for (let t = 0; t < length; t++)
        y.set(attentionRow(call, n, head, t), ((n * length + t) * heads + head) * headChannels);
  return { y };
};

export const attentionTiledTwin = attentionTwin as unknown as TwinOf<typeof attentionTiled>;
