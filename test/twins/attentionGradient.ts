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

type Call<Name extends string> = { readonly tensors: Readonly<Record<Name, Float64Array>>; readonly parameters: Sizes };

/** Where element `at` of [batch, length, parts, heads, width] lies. */
function place({ length, heads }: Sizes, at: number, parts: number, width: number) {
  const c = at % width;
  const head = Math.floor(at / width) % heads;
  const part = Math.floor(at / width / heads) % parts;
  const row = Math.floor(at / width / heads / parts);
  return { n: Math.floor(row / length), token: row % length, part, head, c };
}

function statisticsOf(
  { tensors: { qkv, y, dy }, parameters: p }: Call<"qkv" | "y" | "dy">,
  { n, token: t, head }: { n: number; token: number; head: number },
): [number, number] {
  const at = reader(p, qkv);
  const scores = Array.from(
    { length: p.length },
    (_, s) => p.scale * sum(p.headChannels, (c) => at(n, t, 0, head, c) * at(n, s, 1, head, c)),
  );
  const maximum = Math.max(...scores);
  const from = ((n * p.length + t) * p.heads + head) * p.headChannels;
  return [
    maximum + Math.log(scores.reduce((total, score) => total + Math.exp(score - maximum), 0)),
    sum(p.headChannels, (c) => y[from + c]! * dy[from + c]!),
  ];
}

/** One element of `statistics`; the benchmark asks for a few of them where all would take too long. */
export function attentionStatisticsElement(call: Call<"qkv" | "y" | "dy">, at: number): number {
  const { c, ...token } = place(call.parameters, at, 1, 2);
  return statisticsOf(call, token)[c]!;
}

export const attentionStatisticsTwin: TwinOf<typeof attentionStatistics> = (call) => {
  const { batch, length, heads } = call.parameters;
  const statistics = new Float64Array(batch * length * heads * 2);
  eachHead(call.parameters, (n, head) => {
    for (let token = 0; token < length; token++)
      statistics.set(statisticsOf(call, { n, token, head }), ((n * length + token) * heads + head) * 2);
  });
  return { statistics };
};

type Inputs = "qkv" | "dy" | "statistics";

/** Probability, and the score's gradient without the scale, of one query and one key. */
function pair(p: Sizes, tensors: Readonly<Record<Inputs, Float64Array>>, n: number, head: number) {
  const at = reader(p, tensors.qkv);
  return (t: number, s: number) => {
    const token = (n * p.length + t) * p.heads + head;
    const score = p.scale * sum(p.headChannels, (c) => at(n, t, 0, head, c) * at(n, s, 1, head, c));
    const probability = Math.exp(score - tensors.statistics[token * 2]!);
    const g = sum(p.headChannels, (c) => tensors.dy[token * p.headChannels + c]! * at(n, s, 2, head, c));
    return { probability, gradient: probability * (g - tensors.statistics[token * 2 + 1]!) };
  };
}

/** dq of one query in one head. */
function queryRow({ tensors, parameters: p }: Call<Inputs>, n: number, head: number, t: number): number[] {
  const at = reader(p, tensors.qkv);
  const pairs = Array.from({ length: p.length }, (_, s) => pair(p, tensors, n, head)(t, s));
  return Array.from(
    { length: p.headChannels },
    (_, c) => p.scale * sum(p.length, (s) => pairs[s]!.gradient * at(n, s, 1, head, c)),
  );
}

/** One element of dq. */
export function attentionGradientQueryElement(call: Call<Inputs>, at: number): number {
  const { n, token, head, c } = place(call.parameters, at, 1, call.parameters.headChannels);
  return queryRow(call, n, head, token)[c]!;
}

export const attentionGradientQueryTwin: TwinOf<typeof attentionGradientQuery> = (call) => {
  const { batch, length, heads, headChannels } = call.parameters;
  const dq = new Float64Array(batch * length * heads * headChannels);
  eachHead(call.parameters, (n, head) => {
    for (let t = 0; t < length; t++)
      dq.set(queryRow(call, n, head, t), ((n * length + t) * heads + head) * headChannels);
  });
  return { dq };
};

/** dk and dv of one key in one head. */
function keyValueRows({ tensors, parameters: p }: Call<Inputs>, n: number, head: number, s: number): number[][] {
  const at = reader(p, tensors.qkv);
  const pairs = Array.from({ length: p.length }, (_, t) => pair(p, tensors, n, head)(t, s));
  const row = (value: (c: number) => number) => Array.from({ length: p.headChannels }, (_, c) => value(c));
  const dyAt = (t: number, c: number) => tensors.dy[((n * p.length + t) * p.heads + head) * p.headChannels + c]!;
  return [
    row((c) => p.scale * sum(p.length, (t) => pairs[t]!.gradient * at(n, t, 0, head, c))),
    row((c) => sum(p.length, (t) => pairs[t]!.probability * dyAt(t, c))),
  ];
}

/** One element of dkv. */
export function attentionGradientKeyValueElement(call: Call<Inputs>, at: number): number {
  const { n, token, part, head, c } = place(call.parameters, at, 2, call.parameters.headChannels);
  return keyValueRows(call, n, head, token)[part]![c]!;
}

export const attentionGradientKeyValueTwin: TwinOf<typeof attentionGradientKeyValue> = (call) => {
  const { batch, length, heads, headChannels } = call.parameters;
  const dkv = new Float64Array(batch * length * 2 * heads * headChannels);
  eachHead(call.parameters, (n, head) => {
    for (let s = 0; s < length; s++)
      for (const [part, row] of keyValueRows(call, n, head, s).entries())
        dkv.set(row, (((n * length + s) * 2 + part) * heads + head) * headChannels);
  });
  return { dkv };
};
