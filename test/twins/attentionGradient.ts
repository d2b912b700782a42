/** The gradient of attention with the whole matrix of probabilities at hand. */
import type { attentionGradientKeyValue } from "../../src/shaders/attentionGradientKeyValue.ts";
import type { attentionGradientQuery } from "../../src/shaders/attentionGradientQuery.ts";
import type { attentionStatistics } from "../../src/shaders/attentionStatistics.ts";
import type { TwinOf } from "./twin.ts";

interface Sizes {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly headChannels: number;
  readonly scale: number;
}

/** Reads channel c of a token's q (0), k (1) or v (2) in a head. */
const reader =
  (p: Sizes, qkv: Float64Array) =>
  (n: number, t: number, part: number, head: number, c: number): number =>
    qkv[((n * p.length + t) * 3 + part) * p.heads * p.headChannels + head * p.headChannels + c]!;

function eachHead(p: Sizes, body: (n: number, head: number) => void): void {
  for (let n = 0; n < p.batch; n++) for (let head = 0; head < p.heads; head++) body(n, head);
}

const sum = (length: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < length; i++) total += term(i);
  return total;
};

export const attentionStatisticsTwin: TwinOf<typeof attentionStatistics> = ({
  tensors: { qkv, y, dy },
  parameters: p,
}) => {
  const at = reader(p, qkv);
  const statistics = new Float64Array(p.batch * p.length * p.heads * 2);
  eachHead(p, (n, head) => {
    for (let t = 0; t < p.length; t++) {
      const scores = Array.from(
        { length: p.length },
        (_, s) => p.scale * sum(p.headChannels, (c) => at(n, t, 0, head, c) * at(n, s, 1, head, c)),
      );
      const maximum = Math.max(...scores);
      const token = (n * p.length + t) * p.heads + head;
      statistics[token * 2] = maximum + Math.log(scores.reduce((total, score) => total + Math.exp(score - maximum), 0));
      const from = token * p.headChannels;
      statistics[token * 2 + 1] = sum(p.headChannels, (c) => y[from + c]! * dy[from + c]!);
    }
  });
  return { statistics };
};

/** Probabilities and the scores' gradients without the scale, [query][key]. */
function rows(p: Sizes, tensors: Record<"qkv" | "dy" | "statistics", Float64Array>, n: number, head: number) {
  const at = reader(p, tensors.qkv);
  return Array.from({ length: p.length }, (_, t) =>
    Array.from({ length: p.length }, (_, s) => {
      const token = (n * p.length + t) * p.heads + head;
      const score = p.scale * sum(p.headChannels, (c) => at(n, t, 0, head, c) * at(n, s, 1, head, c));
      const probability = Math.exp(score - tensors.statistics[token * 2]!);
      const g = sum(p.headChannels, (c) => tensors.dy[token * p.headChannels + c]! * at(n, s, 2, head, c));
      return { probability, gradient: probability * (g - tensors.statistics[token * 2 + 1]!) };
    }),
  );
}

export const attentionGradientQueryTwin: TwinOf<typeof attentionGradientQuery> = ({ tensors, parameters: p }) => {
  const at = reader(p, tensors.qkv);
  const dq = new Float64Array(p.batch * p.length * p.heads * p.headChannels);
  eachHead(p, (n, head) => {
    for (const [t, row] of rows(p, tensors, n, head).entries())
      for (let c = 0; c < p.headChannels; c++)
        dq[((n * p.length + t) * p.heads + head) * p.headChannels + c] =
          p.scale * sum(p.length, (s) => row[s]!.gradient * at(n, s, 1, head, c));
  });
  return { dq };
};

export const attentionGradientKeyValueTwin: TwinOf<typeof attentionGradientKeyValue> = ({ tensors, parameters: p }) => {
  const at = reader(p, tensors.qkv);
  const width = p.heads * p.headChannels;
  const dkv = new Float64Array(p.batch * p.length * 2 * width);
  eachHead(p, (n, head) => {
    const all = rows(p, tensors, n, head);
    for (let s = 0; s < p.length; s++)
      for (let c = 0; c < p.headChannels; c++) {
        const to = (n * p.length + s) * 2 * width + head * p.headChannels + c;
        dkv[to] = p.scale * sum(p.length, (t) => all[t]![s]!.gradient * at(n, t, 0, head, c));
        dkv[to + width] = sum(
          p.length,
          (t) => all[t]![s]!.probability * tensors.dy[(n * p.length + t) * width + head * p.headChannels + c]!,
        );
      }
  });
  return { dkv };
};
