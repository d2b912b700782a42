/** The case of a recorded trace: JSON in the metadata of its file that says which run was recorded. */
import { InputError } from "../../errors.ts";
import type { RecordedRun } from "../../repaint/replay.ts";
import { scheduleFromProgram, scheduleTimes } from "../../repaint/schedule.ts";
import { singleTransitionsOf } from "../../repaint/transitions.ts";

export interface RecordedCase {
  readonly run: RecordedRun;
  readonly respacing: string;
  readonly noiseSchedule: "linear" | "cosine" | undefined;
  readonly diffusionSteps: number | undefined;
  readonly y: readonly number[] | undefined;
  /** Of a guided run: its name, and the scale. */
  readonly classifier: string | undefined;
  readonly scale: number | undefined;
}

type Fail = (problem: string) => never;

/** @throws InputError that begins with the file's name */
export function readCase(name: string, text: string | undefined): RecordedCase {
  const fail: Fail = (problem) => {
    throw new InputError(`${name}: the metadata's case ${problem}`);
  };
  const recorded = parse(text, fail);
  const { beta_schedule, diffusion_steps, y, classifier, scale } = recorded;
  const isGuided = classifier !== undefined && classifier !== null;
  if (isGuided && typeof classifier !== "string") fail("has a classifier that is no name");
  const hasScale = scale !== undefined && scale !== null;
  if (hasScale && !Number.isFinite(scale)) fail("has a scale that is no number");
  if (beta_schedule !== undefined && beta_schedule !== "linear" && beta_schedule !== "cosine")
    fail("has a beta_schedule that is neither linear nor cosine");
  if (diffusion_steps !== undefined && !Number.isSafeInteger(diffusion_steps))
    fail("has diffusion_steps that are no whole number");
  const isLabels = Array.isArray(y) && y.every((label) => Number.isSafeInteger(label));
  if (y !== undefined && y !== null && !isLabels) fail("has y that is no list of whole numbers");
  return {
    ...readRun(recorded, fail),
    noiseSchedule: beta_schedule as RecordedCase["noiseSchedule"],
    diffusionSteps: diffusion_steps as number | undefined,
    y: isLabels ? (y as number[]) : undefined,
    classifier: isGuided ? (classifier as string) : undefined,
    scale: hasScale ? (scale as number) : undefined,
  };
}

function parse(text: string | undefined, fail: Fail): Record<string, unknown> {
  if (text === undefined) return fail('is missing: a trace has {"times": …, "respacing": …} as JSON there');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    fail("is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) fail("should be an object");
  return json as Record<string, unknown>;
}

/**
 * RePaint's `times` where it has them, else its schedule's; or the numbers of a Langevin run, whose levels are its
 * respacing's.
 */
function readRun(recorded: Record<string, unknown>, fail: Fail): Pick<RecordedCase, "run" | "respacing"> {
  const { sampler = "repaint", times, sched, respacing } = recorded;
  const isRespacing = typeof respacing === "string" || typeof respacing === "number";
  if (respacing !== undefined && !isRespacing) fail('has no respacing such as "250"');
  if (sampler === "langevin") {
    if (!isRespacing) return fail('has no respacing such as "10", which says the levels of a Langevin run');
    const { inner, step, lambda, still } = recorded as Record<"inner" | "step" | "lambda" | "still", number>;
    return { run: { sampler, inner, step, lambda, still }, respacing: String(respacing) };
  }
  if (sampler !== "repaint") fail(`has the sampler ${JSON.stringify(sampler)}: expected repaint or langevin`);
  if (times === undefined && sched === undefined) fail("has neither times nor sched");
  const walk = (times ?? scheduleTimes(scheduleFromProgram(sched))) as readonly number[];
  // Refuses what is no walk before anything is counted by it.
  singleTransitionsOf(walk);
  return {
    run: { sampler: "repaint", times: walk },
    respacing: isRespacing ? String(respacing) : String(walk[0]! + 1),
  };
}
