/**
 * The attributes of the element: what each means and how its text becomes settings. The manifest is checked against
 * this.
 */
import { InputError } from "../../errors.ts";
import {
  DETAILS,
  PRESETS,
  resolveSampling,
  samplingCalls,
  type Preset,
  type Sampling,
} from "../../repaint/sampling.ts";
import { quoted } from "../../text/quoted.ts";
import { precisions } from "../../numbers/storage.ts";
import type { ModelSource } from "../types.ts";
import { kindOf } from "../../text/kindOf.ts";
import { shippedClassifiers, shippedModels } from "../../repaint/shipped.ts";
import type { Settings } from "./engineSession.ts";
import { presetNames } from "./settingsPanel.ts";

export const attributes = {
  src: "Address of the picture.",
  mask: "Address of its mask: a picture of the same proportions, white where something is to be filled.",
  model: "A shipped model's name (portraits64, the default, or scenes64) or the address of a .safetensors or .pt file.",
  classifier:
    "What guides the model's runs: a shipped classifier's name (classifier64) or the address of one. Default: nothing.",
  preset: "The sampler with its settings: fast, balanced (default), or paper, which is RePaint as published.",
  seed: "0 to 2^64 - 1. Default: a random one.",
  variations: "How many results a run makes, with seeds that follow each other: 1 (default) to 64.",
  precision: "How weights and activations are stored: f32 (default) or f16.",
  detail:
    "Of holes larger than the model's pictures: model (default) scales them up from its size; auto goes on as far as the picture has detail, full to its own scale.",
  "class-label": "The number of the class to paint, of models with classes. Default: the one that means none, or 0.",
  "classifier-scale": "How strongly the classifier guides. Default: as is usual of the model, else 1.",
  previews: "Least seconds between previews, 0.5 by default; off: none, which costs nothing.",
  theme: "light, dark, or auto (default): what the user prefers.",
  name: "Of the field in a form. Its value is the chosen result as a PNG file.",
  disabled: "Nothing can be done.",
  required: "A form is not sent without a result.",
} as const;

export type AttributeName = keyof typeof attributes;

/** Those that are settings. @throws InputError for a text that means none */
export const settingsOf: { readonly [Name in AttributeName]?: (text: string) => Partial<Settings> } = {
  preset: (text) => {
    const name = presetNames.find((preset) => preset === text);
    if (!name) throw unlike("preset", presetNames.join(", "), text);
    return { sampling: PRESETS[name] };
  },
  seed: (text) => {
    if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 1n << 64n) throw unlike("seed", "0 to 2^64 - 1", text);
    return { seed: BigInt(text) };
  },
  variations: (text) => ({ count: whole("variations", text, 1, 64) }),
  precision: (text) => {
    const precision = precisions.find((one) => one === text);
    if (!precision) throw unlike("precision", precisions.join(" or "), text);
    return { precision };
  },
  detail: (text) => {
    const detail = DETAILS.find((one) => one === text);
    if (!detail) throw unlike("detail", DETAILS.join(", "), text);
    return { detail };
  },
  "class-label": (text) => ({ class: whole("class-label", text, 0, 2 ** 31 - 1) }),
  "classifier-scale": (text) => {
    const classifierScale = Number(text);
    if (!Number.isFinite(classifierScale) || text.trim() === "") throw unlike("classifier-scale", "a number", text);
    return { classifierScale };
  },
  previews: (text) => {
    const seconds = text === "off" ? 0 : Number(text);
    if (!(seconds >= 0 && seconds < Infinity) || text.trim() === "") throw unlike("previews", "seconds or off", text);
    return { previewSeconds: seconds };
  },
};

/** What `settings` takes: presets by their names, too, and a seed that is any whole number. */
export type SettingsChange = {
  readonly [Name in keyof Omit<Settings, "sampling" | "seed">]?: Settings[Name] | undefined;
} & {
  readonly sampling?: Sampling | Preset | undefined;
  readonly seed?: bigint | number | undefined;
};

const settingAttributes: { readonly [Name in keyof Settings]?: readonly [AttributeName, ...types: string[]] } = {
  seed: ["seed", "bigint", "number"],
  count: ["variations", "number"],
  precision: ["precision", "string"],
  detail: ["detail", "string"],
  class: ["class-label", "number"],
  classifierScale: ["classifier-scale", "number"],
  previewSeconds: ["previews", "number"],
};

/**
 * What a page sets by property is not typed there. What is undefined stays as it is.
 * @throws InputError that names it
 */
export function readSettings(change: SettingsChange): Partial<Settings> {
  if (typeof change !== "object" || change === null) throw unlike("settings", "an object", String(change));
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(change)) {
    const [attribute, ...types] = settingAttributes[name as keyof Settings] ?? [];
    if (name === "sampling") samplingCalls((read[name] = resolveSampling(value as Sampling | Preset | undefined)));
    else if (!attribute) throw unlike("settings", `sampling, ${Object.keys(settingAttributes).join(", ")}`, name);
    else if (value === undefined) {
      if (name === "class" || name === "classifierScale") read[name] = undefined;
    } else if (!types.includes(typeof value))
      throw unlike(name, `a ${types.join(" or a ")}`, `${typeof value} ${String(value)}`);
    else Object.assign(read, settingsOf[attribute]!(String(value)));
  }
  return read;
}

const shippedOf = { model: shippedModels, classifier: shippedClassifiers } as const;

/** @throws InputError for what is none: expected are a shipped one's name, an address, a file */
export function readModelSource(source: ModelSource | string, what: keyof typeof shippedOf = "model"): ModelSource {
  const shipped = shippedOf[what];
  const isShipped = (name: unknown): boolean => Object.hasOwn(shipped, String(name));
  if (typeof source === "string") {
    if (isShipped(source)) return { shipped: source };
    if (!/[./]/.test(source) || !URL.canParse(source, document.baseURI))
      throw unlike(what, `an address or one of ${Object.keys(shipped).join(", ")}`, source);
    return new URL(source, document.baseURI);
  }
  const isSource = source instanceof File || source instanceof URL;
  if (!isSource && !isShipped((Object(source) as { shipped?: unknown }).shipped))
    throw new InputError(`${what}: expected a File, a URL, an address or { shipped: name }, got ${kindOf(source)}`);
  return source;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw unlike(name, `a whole number from ${least} to ${most}`, text);
  return value;
}

function unlike(name: string, expected: string, came: string): InputError {
  return new InputError(`${name}: expected ${expected}, got ${quoted(came)}`);
}
