/**
 * What diffusers' scheduler_config.json says of how a network was trained and is sampled, as settings of ours. Not
 * here: where the file stands (src/cli/given/weightsFile.ts).
 */
import { InputError } from "../../errors.ts";
import { shown } from "../../text/quoted.ts";
import type { DiffusionSettings } from "../config.ts";

type Json = Readonly<Record<string, unknown>>;

const schedules: ReadonlyMap<unknown, DiffusionSettings["noiseSchedule"]> = new Map([
  ["linear", "linear"],
  ["squaredcos_cap_v2", "cosine"],
] as const);
const predictions: readonly unknown[] = ["epsilon", "sample", "v_prediction"];
/** diffusers' default of each field, and that and others that mean the same to these samplers. */
const only: Readonly<Record<string, readonly [unknown, ...unknown[]]>> = {
  trained_betas: [null],
  clip_sample: [true],
  clip_sample_range: [1],
  thresholding: [false],
  rescale_betas_zero_snr: [false],
};

/** Schedulers of networks that are trained on other noise levels than DDPM's, or on none. */
const otherFamilies = /Flow|EDM|Karras|ScoreSde|^CM|LCM|TCD|VQ|UnCLIP|Consistency|Amused/;
const variances = ["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned_range"];

export function isSchedulerField(name: string): boolean {
  return /^(beta_|trained_betas|prediction_type|clip_sample|thresholding|variance_type|noise_schedule)/.test(name);
}

/** @throws InputError that lists every field that asks for something that these samplers do not have */
export function schedulerSettings(json: Json): Partial<DiffusionSettings> {
  const problems: string[] = [];
  const refuse = (field: string, expected: string, value: unknown) =>
    problems.push(`${field}: expected ${expected}, got ${shown(value)}`);
  const className = json._class_name ?? "DDPMScheduler";
  if (otherFamilies.test(String(className)))
    refuse("_class_name", "DDPMScheduler or one that samples such networks", className);
  const variance = json.variance_type ?? "fixed_small";
  if (typeof variance !== "string" || !variances.includes(variance))
    refuse("variance_type", variances.map(shown).join(" or "), variance);
  const steps = json.num_train_timesteps ?? 1000;
  if (!Number.isInteger(steps) || (steps as number) < 1 || (steps as number) > 100_000)
    refuse("num_train_timesteps", "a whole number from 1 to 100000", steps);
  const name = json.beta_schedule ?? "linear";
  const noiseSchedule = schedules.get(name);
  if (noiseSchedule === undefined) refuse("beta_schedule", [...schedules.keys()].map(shown).join(" or "), name);
  if (noiseSchedule === "linear") {
    // guided-diffusion's linear schedule keeps the whole noise whatever the number of steps.
    for (const [field, usual] of [
      ["beta_start", 1e-4],
      ["beta_end", 0.02],
    ] as const) {
      // prettier-ignore
      const [value, ours] = [json[field] ?? usual, (usual * 1000) / (steps as number)];
      if (typeof value !== "number" || !(Math.abs(value - ours) <= 1e-9)) refuse(field, String(ours), value);
    }
  }
  const prediction = json.prediction_type ?? "epsilon";
  if (!predictions.includes(prediction)) refuse("prediction_type", predictions.map(shown).join(" or "), prediction);
  for (const [field, allowed] of Object.entries(only)) {
    const value = json[field] ?? allowed[0];
    if (!allowed.includes(value)) refuse(field, shown(allowed[0]), value);
  }
  if (problems.length > 0)
    throw new InputError(`its scheduler_config.json asks for what these samplers do not have: ${problems.join("; ")}`);
  return {
    diffusionSteps: steps as number,
    noiseSchedule: noiseSchedule!,
    predictXstart: prediction === "sample",
    ...(prediction === "v_prediction" ? { predictV: true } : {}),
    sigmaSmall: !String(variance).startsWith("fixed_large"),
  };
}
