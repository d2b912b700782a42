/**
 * Respacing: which of a diffusion's original timesteps a shorter run visits, from guided-diffusion's strings.
 * Not here: the betas of the shorter run (diffusion.ts).
 */
import { InputError } from "../errors.ts";
import { shown } from "../text/quoted.ts";

/**
 * The original timesteps that are kept, rising, for a diffusion of `diffusionSteps` steps (a positive integer):
 * - `""`: all of them;
 * - `"250"`, `"10,15,20"`: equal sections (the first ones get what does not divide), from each as many steps as it
 *   says, evenly spread from its first to its last, rounded half to even;
 * - `"ddim50"`: every n-th step from 0 on, n the smallest stride that gives exactly 50.
 *
 * Throws InputError for any other string, a section that is asked for more steps than it has, a count that no stride
 * gives, and a respacing that keeps nothing. Source: Nichol & Dhariwal 2021 (Improved DDPM), section 4.
 */
export function respacedTimesteps(diffusionSteps: number, respacing: string): number[] {
  if (typeof respacing !== "string") throw malformed(respacing);
  if (respacing === "") return Array.from({ length: diffusionSteps }, (_, i) => i);
  if (respacing.startsWith("ddim")) return strided(diffusionSteps, parseCount(respacing.slice(4), respacing));

  const counts = respacing.split(",").map((count) => parseCount(count, respacing));
  const size = Math.floor(diffusionSteps / counts.length);
  const remainder = diffusionSteps % counts.length;
  const timesteps: number[] = [];
  let start = 0;
  counts.forEach((count, i) => {
    const sectionSize = i < remainder ? size + 1 : size;
    if (count > sectionSize) {
      throw new InputError(
        `respacing ${shown(respacing)} takes ${count} timesteps from a section of ${sectionSize} ` +
          `(${diffusionSteps} diffusion steps in ${counts.length}); ask for at most ${sectionSize} there`,
      );
    }
    const stride = count > 1 ? (sectionSize - 1) / (count - 1) : 1;
    // Summed, not multiplied: the rounding of the sum decides some timesteps, and checkpoints are used with these.
    let offset = 0;
    for (let taken = 0; taken < count; taken++) {
      timesteps.push(start + roundHalfToEven(offset));
      offset += stride;
    }
    start += sectionSize;
  });
  if (timesteps.length === 0) {
    throw new InputError(`respacing ${shown(respacing)} keeps no timestep; ask for at least one`);
  }
  return timesteps;
}

function strided(diffusionSteps: number, count: number): number[] {
  for (let stride = 1; stride < diffusionSteps; stride++) {
    if (Math.ceil(diffusionSteps / stride) === count) return Array.from({ length: count }, (_, i) => i * stride);
  }
  throw new InputError(
    `no integer stride gives exactly ${count} of ${diffusionSteps} diffusion steps, as respacing "ddim${count}" asks; ` +
      `use "${count}" or a count that divides ${diffusionSteps}`,
  );
}

function parseCount(text: string, respacing: string): number {
  if (/^\s*[0-9]{1,9}\s*$/.test(text)) return Number(text);
  throw malformed(respacing);
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const fraction = x - floor;
  if (fraction === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return fraction > 0.5 ? floor + 1 : floor;
}

function malformed(respacing: unknown): InputError {
  return new InputError(
    `respacing must be a string with a count ("250"), a count for each section ("10,15,20") or a stride ("ddim50"), ` +
      `got ${shown(respacing)}`,
  );
}
