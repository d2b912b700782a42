/** The numbers of a run's sampler, and which sampler it is: fields that show and change a `Sampling`. */
import { langevinSettings, noiseLevels, PRESETS, type Sampling, type SamplerName } from "../../repaint/sampling.ts";
import { field, numberField } from "./controls.ts";
import { h } from "./dom.ts";

const samplers: Readonly<Record<SamplerName, string>> = {
  langevin: "Guided Langevin steps",
  repaint: "RePaint",
};

interface NumberSetting {
  readonly name: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Not whole numbers only. */
  readonly isFraction?: boolean;
}

/** In rows of three. The first of each sampler counts noise levels. */
const numbers: Readonly<Record<SamplerName, readonly (readonly NumberSetting[])[]>> = {
  langevin: [
    [
      { name: "levels", label: "Levels", min: 1, max: 1000 },
      { name: "inner", label: "Steps at each", min: 0, max: 100 },
      { name: "still", label: "Without steps", min: 0, max: 1000 },
    ],
    [
      { name: "step", label: "Step size", min: 0.001, max: 100, isFraction: true },
      { name: "lambda", label: "Pull λ", min: 0, max: 1000, isFraction: true },
    ],
  ],
  repaint: [
    [
      { name: "steps", label: "Steps T", min: 1, max: 1000 },
      { name: "jumpLength", label: "Jump length", min: 1, max: 1000 },
      { name: "resamples", label: "Resamples", min: 1, max: 100 },
    ],
  ],
};

const names = Object.keys(samplers) as SamplerName[];

export class SamplerFields {
  readonly root: HTMLElement;
  readonly #onChange: (sampling: Sampling) => void;
  #sampling: Sampling = PRESETS.balanced;
  readonly #sampler = h(
    "select",
    { on: { change: () => this.#choose() } },
    ...names.map((name) => h("option", { value: name }, samplers[name])),
  );
  readonly #inputs = new Map<string, HTMLInputElement>();
  readonly #groups: Readonly<Record<SamplerName, HTMLElement>>;
  readonly #start = h("input", { type: "range", min: "1", step: "1", on: { input: () => this.#setStart() } });
  readonly #startText = h("output", { class: "field-after" });
  /** Percent of the noise levels; all of them: noise alone. */
  readonly #strength = h("input", { type: "range", min: "5", step: "5", on: { input: () => this.#setStrength() } });
  readonly #strengthText = h("output", { class: "field-after" });

  constructor(onChange: (sampling: Sampling) => void) {
    this.#onChange = onChange;
    const group = (name: SamplerName, ...more: HTMLElement[]) =>
      h("div", { class: "fields" }, ...numbers[name].map((row) => this.#row(row)), ...more);
    this.#groups = {
      langevin: group("langevin"),
      repaint: group("repaint", field("Resample from", this.#start, this.#startText)),
    };
    const strength = field("Strength", this.#strength, this.#strengthText);
    this.root = h(
      "div",
      { class: "fields" },
      field("Sampler", this.#sampler),
      ...Object.values(this.#groups),
      strength,
    );
  }

  show(sampling: Sampling, mostLevels: number): void {
    this.#sampling = sampling;
    this.#sampler.value = sampling.sampler;
    for (const name of names) this.#groups[name].hidden = name !== sampling.sampler;
    const shown: object = sampling.sampler === "langevin" ? langevinSettings(sampling) : sampling;
    for (const [name, value] of Object.entries(shown)) {
      const input = this.#inputs.get(name);
      if (input) write(input, String(value));
    }
    for (const name of ["levels", "steps"]) this.#inputs.get(name)!.max = String(mostLevels);
    this.#inputs.get("still")!.max = String(noiseLevels(sampling));
    const percent = Math.round(100 * (sampling.strength ?? 1));
    this.#strength.valueAsNumber = percent;
    say(this.#strength, this.#strengthText, percent < 100 ? `${percent} % noise` : "all noise");
    if (sampling.sampler !== "repaint") return;
    const { steps, startResampling = 1e8 } = sampling;
    this.#start.max = String(steps);
    this.#start.valueAsNumber = Math.min(startResampling, steps);
    say(this.#start, this.#startText, startResampling >= steps ? "the start" : `step ${startResampling}`);
  }

  #row(row: readonly NumberSetting[]): HTMLElement {
    return h("div", { class: row.length === 3 ? "triple" : "double" }, ...row.map((setting) => this.#number(setting)));
  }

  #number({ name, ...options }: NumberSetting): HTMLElement {
    const onChange = (value: number) => this.#onChange({ ...this.#sampling, [name]: value });
    const { root, input } = numberField({ ...options, onChange });
    this.#inputs.set(name, input);
    return root;
  }

  /** Begins with the first preset of that sampler. */
  #choose(): void {
    this.#onChange(Object.values(PRESETS).find(({ sampler }) => sampler === this.#sampler.value)!);
  }

  #setStrength(): void {
    const { strength: _, ...sampling } = this.#sampling;
    const percent = this.#strength.valueAsNumber;
    this.#onChange(percent === 100 ? sampling : { ...sampling, strength: percent / 100 });
  }

  #setStart(): void {
    if (this.#sampling.sampler !== "repaint") return;
    const { startResampling: _, ...sampling } = this.#sampling;
    const value = this.#start.valueAsNumber;
    this.#onChange(value >= sampling.steps ? sampling : { ...sampling, startResampling: value });
  }
}

/** What a slider's place means, beside it and aloud. */
function say(slider: HTMLInputElement, text: HTMLOutputElement, words: string): void {
  text.value = words;
  slider.setAttribute("aria-valuetext", words);
}

/** Never what is being typed. */
export function write(input: HTMLInputElement, value: string): void {
  if (input.value !== value && !input.matches(":focus")) input.value = value;
}
