/**
 * The JSON files that stand beside the weights of a diffusers model. Not here: how they are read (src/node,
 * src/sources).
 */
import { isDiffusersConfig, schedulerKey } from "../recognise.ts";

/** A JSON file by its name relative to the weights; undefined where there is none. */
export type JsonBeside = (name: string) => Promise<unknown>;

/** In a pipeline's folder, and flat. */
const schedulerNames = ["../scheduler/scheduler_config.json", "scheduler_config.json"];

/**
 * A UNet2DModel's config.json with the scheduler's that stands in a folder beside it or in its own; undefined where
 * there is none.
 */
export async function configBeside(beside: JsonBeside): Promise<unknown> {
  const config = await beside("config.json");
  if (!isDiffusersConfig(config) || schedulerKey in config) return isDiffusersConfig(config) ? config : undefined;
  for (const name of schedulerNames) {
    // Some servers answer for what is not there as for what is forbidden; what is assumed then is said.
    const scheduler = await beside(name).catch(() => undefined);
    if (typeof scheduler === "object" && scheduler !== null) return { ...config, [schedulerKey]: scheduler };
  }
  return config;
}
