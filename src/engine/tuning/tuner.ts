/**
 * Times plans that compute the same on an adapter, once, and picks the fastest. Which plans, and what their ids mean,
 * the caller knows. Not here: where answers are kept (memory.ts).
 */
import { debug } from "../debug.ts";
import type { Device } from "../device.ts";
import { DeviceLostError } from "../../errors.ts";
import { compilePlan, Executor } from "../executor.ts";
import { accesses, type Plan } from "../plan.ts";
import { readBuffer } from "../readback.ts";
import { byteLength, elementCount, type Tensor } from "../tensor.ts";
import { timeExecutor } from "../timing.ts";
import type { TuningMemory } from "./memory.ts";
import { tensorUsage } from "../usage.ts";
import type { TuningCandidate, TuningQuestion } from "./question.ts";

export interface PlanTiming {
  /** Time of one run. */
  readonly milliseconds: number;
  /** A part of what the plan wrote, the same part for all plans of a question. */
  readonly output?: Uint8Array | undefined;
}

export interface PlanClock {
  /** Called before these plans are timed, so that their shaders are compiled together. Never rejects. */
  readonly prepare?: (plans: readonly Plan[]) => Promise<void>;
  /** A run of more than `atMost` milliseconds need not be timed precisely. @throws where the plan cannot run */
  readonly time: (plan: Plan, limits: { atMost: number; signal?: AbortSignal | undefined }) => Promise<PlanTiming>;
}

export interface TunerOptions {
  /**
   * Milliseconds for all questions together; what is under way at their end is finished. 0: only what is remembered.
   */
  readonly budget: number;
  /** Times what is remembered again. */
  readonly again?: boolean | undefined;
  readonly onProgress?: ((progress: TuningProgress) => void) | undefined;
  /** Called with a sentence about each candidate that this adapter rejects. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. Default: performance.now. */
  readonly now?: (() => number) | undefined;
}

export interface TuningProgress {
  /** Questions that were answered or passed over, of how many. */
  readonly done: number;
  readonly total: number;
  /** Key of the question that is being answered. */
  readonly key: string;
  /** Seconds to come at most. */
  readonly secondsLeft: number;
}

export interface TunedAnswer {
  readonly question: TuningQuestion;
  readonly id: string;
  readonly milliseconds: number;
  readonly fallbackMilliseconds: number;
  /**
   * The candidates that were looked at; all of them, unless the budget ended first: then the rest is for the next time.
   */
  readonly among: readonly string[];
  readonly isComplete: boolean;
}

export interface TuningResult {
  /** Key → candidate, remembered or timed now. */
  readonly answers: ReadonlyMap<string, string>;
  readonly timed: readonly TunedAnswer[];
  readonly total: number;
  /** Questions that were answered before, among all of their candidates. */
  readonly remembered: number;
  /** Questions that the budget did not reach, wholly or in part. */
  readonly left: number;
}

/** A candidate takes the fallback's place only where it is faster by more than clocks are wrong. */
const clearlyFaster = 0.97;
/** Candidates that take so many times as long as the best so far are not timed further. */
const hopeless = 2;
/** Candidates that take up to so many times as long as the best are timed twice. */
const finalist = 1.15;
/** Runs of the fastest candidate that timing one takes, where runs are long. */
const runsOfCandidate = 3;
/** Shaders that are compiled at once: between groups the budget is looked at. */
const groupSize = 4;

/**
 * Answers questions: what is remembered is not timed again.
 * @throws the signal's reason, after what was timed is saved; DeviceLostError
 */
export async function tune(
  questions: readonly TuningQuestion[],
  memory: TuningMemory,
  clock: PlanClock,
  options: TunerOptions,
): Promise<TuningResult> {
  const { budget, onProgress, onWarning, signal, now = () => performance.now() } = options;
  const { answers, open } = recall(questions, memory, options.again);
  const result = {
    answers,
    timed: [] as TunedAnswer[],
    total: questions.length,
    remembered: questions.length - open.length,
    left: 0,
  };
  if (budget <= 0 || open.length === 0) return { ...result, left: open.length };
  const begin = now();
  const remaining = () => budget - (now() - begin);
  const work = open.reduce((sum, { macs }) => sum + macs, 0);
  let workDone = 0;
  try {
    // Milliseconds for one multiply-add, of the fastest so far: what would not fit into the rest of the budget is
    // passed over.
    let rate = await probe(open, clock, signal);
    const cost = ({ macs, uses }: TuningQuestion) => macs * uses;
    for (const [done, question] of open.toSorted((a, b) => cost(b) - cost(a)).entries()) {
      signal?.throwIfAborted();
      const elapsed = now() - begin;
      const expected = workDone > 0 ? (elapsed / workDone) * (work - workDone) : budget;
      const secondsLeft = Math.max(0, Math.min(remaining(), expected)) / 1000;
      onProgress?.({ done, total: open.length, key: question.key, secondsLeft });
      const needed = rate * question.macs * question.candidates.length * runsOfCandidate;
      const answer =
        remaining() <= 0 || needed > remaining()
          ? undefined
          : await ask(question, clock, { signal, onWarning, isOver: () => remaining() <= 0 });
      if (answer) {
        rate = Math.min(rate, answer.milliseconds / (question.macs || 1));
        answers.set(question.key, answer.id);
        result.timed.push(answer);
        memory.set(question, answer);
      } else debug("tuner", () => `${question.key}: no answer: the budget ends, or nothing runs`);
      if (!answer?.isComplete) result.left++;
      workDone += question.macs;
    }
    onProgress?.({ done: open.length, total: open.length, key: "", secondsLeft: 0 });
  } finally {
    if (result.timed.length > 0) await memory.save();
  }
  return result;
}

/** What is remembered, and the questions that are still to be answered. */
function recall(questions: readonly TuningQuestion[], memory: TuningMemory, again: boolean | undefined) {
  const answers = new Map<string, string>();
  const open: TuningQuestion[] = [];
  for (const question of questions) {
    const kept = memory.get(question);
    if (kept) {
      answers.set(question.key, kept.id);
      debug("tuner", () => `${question.key}: ${kept.id}, remembered${kept.isComplete ? "" : " of some candidates"}`);
    }
    if (!kept?.isComplete || again) open.push(question);
  }
  return { answers, open };
}

/**
 * Milliseconds for one multiply-add, from the question with the least work: one run of the largest may exceed the
 * budget.
 */
async function probe(questions: readonly TuningQuestion[], clock: PlanClock, signal: AbortSignal | undefined) {
  const [least] = questions.toSorted((a, b) => a.macs - b.macs);
  const plan = least!.candidates.find(({ id }) => id === least!.fallback)?.plan();
  if (!plan) return 0;
  try {
    return (await clock.time(plan, { atMost: Infinity, signal })).milliseconds / (least!.macs || 1);
  } catch (error) {
    if (signal?.aborted || error instanceof DeviceLostError) throw error;
    // The warning comes when its question is asked.
    return 0;
  }
}

/** Times a question's candidates; undefined where the budget ended before two were compared, or nothing could run. */
async function ask(
  question: TuningQuestion,
  clock: PlanClock,
  {
    signal,
    onWarning,
    isOver,
  }: {
    signal: AbortSignal | undefined;
    onWarning: ((message: string) => void) | undefined;
    isOver: () => boolean;
  },
): Promise<TunedAnswer | undefined> {
  const { key, candidates, fallback, agree } = question;
  const times = new Map<string, number>();
  const best = () => Math.min(...times.values());
  let expected: Uint8Array | undefined;
  const plans = new Map(candidates.map(({ id, plan }) => [id, plan()]));
  const among: string[] = [];
  const measure = async ({ id }: TuningCandidate): Promise<void> => {
    signal?.throwIfAborted();
    try {
      const { milliseconds, output } = await clock.time(plans.get(id)!, { atMost: hopeless * best(), signal });
      if (id === fallback) expected = output;
      else if (agree && output && expected && !agree(output, expected)) throw new Error("it computes something else");
      times.set(id, Math.min(milliseconds, times.get(id) ?? Infinity));
    } catch (error) {
      if (signal?.aborted || error instanceof DeviceLostError) throw error;
      onWarning?.(`${key}: this adapter does not run ${id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const first = candidates.find(({ id }) => id === fallback);
  const ordered = [...(first ? [first] : []), ...candidates.filter((one) => one !== first)];
  for (let at = 0; at < ordered.length && !isOver(); at += groupSize) {
    const group = ordered.slice(at, at + groupSize);
    await clock.prepare?.(group.map(({ id }) => plans.get(id)!));
    for (const candidate of group) {
      if (isOver() && among.length > 0) break;
      await measure(candidate);
      among.push(candidate.id);
    }
  }
  // The fastest are timed again in the opposite order, and the fallback with them: a disturbance seldom comes twice.
  const near = candidates.filter(({ id }) => times.has(id) && (id === fallback || times.get(id)! <= finalist * best()));
  if (near.length > 1 && !isOver()) for (const candidate of near.toReversed()) await measure(candidate);
  const [winner] = [...times].sort((a, b) => a[1] - b[1]);
  if (!winner || (among.length < candidates.length && among.length < 2)) return undefined;
  const fallbackMilliseconds = times.get(fallback) ?? Infinity;
  const [id, milliseconds] =
    winner[1] < clearlyFaster * fallbackMilliseconds ? winner : ([fallback, fallbackMilliseconds] as const);
  const isComplete = among.length === candidates.length;
  debug("tuner", () => {
    const timed = [...times].map(([name, time]) => `${name} ${time.toFixed(3)} ms`);
    return `${key}: ${id}, of ${among.length} among ${candidates.length} candidates (table: ${fallback}): ${timed.join(", ")}`;
  });
  return { question, id, milliseconds, fallbackMilliseconds, among, isComplete };
}

/** Times plans on a device, on tensors full of small numbers. Their shaders are compiled in parallel. */
export function deviceClock(device: Device): PlanClock {
  const prepare = async (plans: readonly Plan[]): Promise<void> => {
    await Promise.allSettled(plans.map((plan) => compilePlan(device, plan)));
  };
  const time: PlanClock["time"] = async (plan, { atMost, signal }) => {
    const buffers = new Map<Tensor, { buffer: GPUBuffer }>();
    try {
      for (const tensor of plan.tensors) {
        if (tensor.place !== "external") continue;
        const buffer = await device.createBuffer(tensor.name, byteLength(tensor), tensorUsage);
        buffers.set(tensor, { buffer });
        fill(device, buffer, tensor);
      }
      const executor = await Executor.create(device, plan, buffers);
      try {
        const limits = { samples: 3, budget: 1000, runUp: 30, atMost, signal };
        const { fastest } = await timeExecutor(device, executor, limits);
        return { milliseconds: fastest, output: await outputOf(device, plan, buffers) };
      } finally {
        executor.dispose();
      }
    } finally {
      for (const { buffer } of buffers.values()) device.destroyBuffer(buffer);
    }
  };
  return { prepare, time };
}

/** Both ends of the last external tensor that the plan writes: errors at bounds show there. */
async function outputOf(
  device: Device,
  { dispatches }: Plan,
  buffers: ReadonlyMap<Tensor, { buffer: GPUBuffer }>,
): Promise<Uint8Array | undefined> {
  const written = dispatches.flatMap((dispatch) => accesses(dispatch).writes).findLast((tensor) => buffers.has(tensor));
  if (!written) return undefined;
  const { buffer } = buffers.get(written)!;
  const bytes = byteLength(written);
  const end = Math.min(bytes, mostOutputBytes);
  const parts = [await readBuffer(device, buffer, 0, end), await readBuffer(device, buffer, bytes - end, end)];
  return Uint8Array.from(parts.flatMap((part) => [...new Uint8Array(part)]));
}

const mostOutputBytes = 2 ** 16;

/** Numbers between −½ and ½, none of them denormal; integers are 0. */
function fill(device: Device, buffer: GPUBuffer, { dtype, shape }: Tensor): void {
  if (dtype === "u32") return;
  const words = Math.ceil(elementCount(shape) / (dtype === "f16" ? 2 : 1));
  const pattern = new Uint32Array(Math.min(words, 2 ** 16));
  for (let i = 0; i < pattern.length; i++) {
    const bits = Math.imul(i + 1, 0x9e3779b1) >>> 0;
    // Sign and mantissa at random, exponents of ¼ … ½.
    pattern[i] = dtype === "f16" ? (bits & 0x83ff83ff) | 0x34003400 : ((bits & 0x807fffff) | 0x3e800000) >>> 0;
  }
  for (let at = 0; at < words; at += pattern.length)
    device.upload(buffer, at * 4, pattern.subarray(0, Math.min(pattern.length, words - at)));
}
