/**
 * Settings as guided-diffusion's flags, for files and for people. Not here: reading flags (src/checkpoints/flags.ts).
 */
import { type DiffusionSettings, flagName, type UNetConfig } from "../../checkpoints/config.ts";

/** modelChannels → model_channels, and so on. */
export function byFlagName(settings: UNetConfig | DiffusionSettings): Record<string, unknown> {
  const entries = Object.entries(settings) as [keyof UNetConfig | keyof DiffusionSettings, unknown][];
  return Object.fromEntries(entries.map(([key, value]) => [flagName(key), value]));
}
