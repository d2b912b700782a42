/**
 * Which part of the work a process has: said by --shard, or by the environment in which Slurm's arrays, Kubernetes'
 * Indexed Jobs and GNU parallel start their processes.
 */
import { InputError } from "../../errors.ts";
import type { Shard } from "../../evaluate/plan.ts";
import type { Arguments, Option } from "../command.ts";
import { quoted } from "../../text/quoted.ts";

export const shardOptions: readonly Option[] = [
  { name: "shard", value: "I/N", help: "do the I-th of N parts, 1/N … N/N" },
  {
    name: "shards",
    value: "N",
    help: "N parts; which one is told by SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or PARALLEL_SEQ",
  },
];

const most = 100_000;

interface Place {
  /** From 0. */
  readonly index: number;
  readonly variable: string;
  /** Where the environment says it. */
  readonly count?: number;
}

export interface GivenShard extends Shard {
  /** The option or the variable that says which one it is. */
  readonly from: string;
}

/** undefined: all of the work is this process's. @throws InputError */
export function readShard(
  given: Arguments,
  environment: Readonly<Record<string, string | undefined>>,
): GivenShard | undefined {
  const text = given.text("shard");
  const count = given.integer("shards", { min: 1, max: most });
  if (text !== undefined) {
    if (count !== undefined) throw new InputError("--shard I/N says how many parts there are, and --shards does, too");
    const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
    const [index, total] = [Number(match?.[1]), Number(match?.[2])];
    if (!match || index < 1 || index > total || total > most)
      throw new InputError(`--shard: expected I/N as 1/4 … 4/4, got ${quoted(text)}`);
    return { index: index - 1, count: total, from: "--shard" };
  }
  const place = placeIn(environment, count !== undefined);
  const total = count ?? place?.count;
  if (total === undefined) return undefined;
  if (!place)
    throw new InputError(
      "--shards: no SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or PARALLEL_SEQ says which part this is; give --shard I/N",
    );
  if (place.index < 0 || place.index >= total)
    throw new InputError(
      `${place.variable} says part ${place.index + 1} of ${total}: there must be as many tasks as parts, numbered without gaps`,
    );
  return { index: place.index, count: total, from: place.variable };
}

/**
 * GNU parallel does not say how many jobs there will be, so that its number alone means nothing. With `--shards` an
 * array's number is the part, from 0, so that some parts can be submitted again; without, its place among the array's
 * numbers.
 */
function placeIn(environment: Readonly<Record<string, string | undefined>>, isCounted: boolean): Place | undefined {
  const number = (name: string): number | undefined => {
    const text = environment[name];
    if (text === undefined || text === "") return undefined;
    if (!/^\d{1,9}$/.test(text)) throw new InputError(`${name}: expected a whole number, got ${quoted(text)}`);
    return Number(text);
  };
  const slurm = number("SLURM_ARRAY_TASK_ID");
  if (slurm !== undefined) {
    const [first = 0, count] = [number("SLURM_ARRAY_TASK_MIN"), number("SLURM_ARRAY_TASK_COUNT")];
    const step = number("SLURM_ARRAY_TASK_STEP") ?? 1;
    const index = isCounted ? slurm : Math.floor((slurm - first) / Math.max(1, step));
    return { index, variable: "SLURM_ARRAY_TASK_ID", ...(count === undefined ? {} : { count }) };
  }
  const kubernetes = number("JOB_COMPLETION_INDEX");
  if (kubernetes !== undefined) {
    const count = number("JOB_COMPLETIONS");
    return { index: kubernetes, variable: "JOB_COMPLETION_INDEX", ...(count === undefined ? {} : { count }) };
  }
  const parallel = number("PARALLEL_SEQ");
  return parallel === undefined ? undefined : { index: parallel - 1, variable: "PARALLEL_SEQ" };
}
