/** How a run goes: presets, the sampler with its numbers and plot, seed, variations, precision, class, previews. */
import { DETAILS, PRESETS, walked, type Preset, type Sampling } from "../../repaint/sampling.ts";
import type { ModelInfo } from "../types.ts";
import { button, field, numberField } from "./controls.ts";
import { h, svg } from "./dom.ts";
import { Emitter } from "./emitter.ts";
import { paintable, type Settings } from "./engineSession.ts";
import { SamplerFields, write } from "./samplerFields.ts";
import { plotSampling, type Plot } from "./samplingPlot.ts";
import { type Precision, precisions } from "../../numbers/storage.ts";
import type { Detail } from "../../pictures/octaves.ts";

const detailTexts: Readonly<Record<Detail, string>> = {
  model: "at the model’s size, scaled up",
  auto: "as sharp as the picture (slow)",
  full: "at the picture’s full size (slow)",
};

const precisionTexts: Readonly<Record<Precision, string>> = { f32: "f32, exact", f16: "f16, half the memory" };

export const presetNames = Object.keys(PRESETS) as Preset[];

const presetWords: Readonly<Record<Preset, readonly [label: string, what: string]>> = {
  fast: ["Fast", "a first look"],
  balanced: ["Balanced", "good for most"],
  paper: ["Paper", "RePaint’s own"],
};

const plotBox = { width: 280, height: 72 };
const mostCount = 64;

interface SettingsEvents extends Record<string, unknown> {
  settings: Settings;
}

export class SettingsPanel extends Emitter<SettingsEvents> {
  readonly root: HTMLElement;
  /** Stands apart: it can be switched in mid-run. */
  readonly preview: HTMLElement;
  #settings: Settings = {
    sampling: PRESETS.balanced,
    seed: randomSeed(),
    count: 1,
    precision: "f32",
    detail: "model",
    class: undefined,
    classifierScale: undefined,
    previewSeconds: 0.5,
  };
  #mostSteps = 1000;
  /** What is painted while no class was chosen. */
  #usualClass = 0;
  #usualScale = 1;
  #plot: Plot | undefined;
  readonly #presets: readonly (readonly [Preset, HTMLInputElement])[];
  readonly #line = svg("path", { class: "plot-line", part: "plot" });
  readonly #now = svg("circle", { class: "plot-now", r: "4" });
  readonly #plotText = h("figcaption", { class: "plot-text" });
  readonly #sampler = new SamplerFields((sampling) => this.set({ sampling }));
  readonly #seed = h("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: false,
    pattern: "[0-9]{1,20}",
    required: true,
    on: { input: () => this.#readSeed() },
  });
  readonly #count;
  readonly #class;
  /** Instead of the number, where the classes have names. */
  readonly #name = h("select", { on: { change: () => this.set({ class: this.#name.selectedIndex }) } });
  readonly #named = field("Class", this.#name);
  readonly #scale;
  readonly #details: HTMLElement;
  readonly #more: HTMLElement;
  /** Class and scale: below the plot where a classifier guides, else among what few change. */
  readonly #classes: HTMLElement;
  readonly #precision = h(
    "select",
    { on: { change: () => this.set({ precision: this.#precision.value as Settings["precision"] }) } },
    ...precisions.map((precision) => h("option", { value: precision }, precisionTexts[precision])),
  );
  readonly #detail = h(
    "select",
    { on: { change: () => this.set({ detail: this.#detail.value as Detail }) } },
    ...DETAILS.map((detail) => h("option", { value: detail }, detailTexts[detail])),
  );
  readonly #preview = h("input", {
    type: "checkbox",
    class: "switch",
    attributes: { role: "switch" },
    on: { change: () => this.set({ previewSeconds: this.#preview.checked ? this.#seconds : 0 }) },
  });
  /** Between previews, when there are any. */
  #seconds = 0.5;
  readonly #fields: HTMLFieldSetElement;

  constructor() {
    super();
    const group = `preset-${Math.random().toString(36).slice(2)}`;
    this.#presets = presetNames.map((name) => [
      name,
      h("input", {
        type: "radio",
        name: group,
        value: name,
        on: { change: () => this.set({ sampling: PRESETS[name] }) },
      }),
    ]);
    this.#count = numberField({
      label: "Variations",
      min: 1,
      max: mostCount,
      onChange: (count) => this.set({ count }),
    });
    this.#class = numberField({ label: "Class", min: 0, max: 999, onChange: (value) => this.set({ class: value }) });
    this.#scale = numberField({ label: "Guidance scale", min: 0, max: 1000, isFraction: true, onChange: (classifierScale) => this.set({ classifierScale }) }); // prettier-ignore
    this.#classes = h("div", { class: "classes" }, this.#class.root, this.#named, this.#scale.root);
    this.#classes.hidden = true;
    const dice = button({ label: "Another seed", icon: "dice", iconOnly: true, class: "inside", run: () => this.set({ seed: randomSeed() }) }); // prettier-ignore
    this.#more = h(
      "div",
      { class: "fields" },
      this.#sampler.root,
      h("div", { class: "field seed" }, field("Seed", this.#seed), dice),
      h("div", { class: "double" }, this.#count.root, field("Precision", this.#precision)),
      field("Large holes", this.#detail),
      this.#classes,
    );
    this.#details = h("details", { class: "more" }, h("summary", {}, "Sampler, seed and more"), this.#more);
    this.#fields = h(
      "fieldset",
      { class: "settings-fields" },
      h("legend", { class: "visually-hidden" }, "Settings"),
      h(
        "div",
        { class: "segments", attributes: { role: "radiogroup", "aria-label": "Quality" } },
        ...this.#presets.map(([name, input]) => h("label", { class: "segment" }, input, h("span", { class: "segment-name" }, presetWords[name][0]), h("span", { class: "segment-what" }, presetWords[name][1]))), // prettier-ignore
      ),
      this.#drawPlotBox(),
      this.#details,
    );
    this.preview = h("label", { class: "switch-field" }, h("span", {}, "Live preview"), this.#preview);
    this.root = h("section", { class: "settings", attributes: { "aria-label": "Settings" } }, this.#fields);
    this.#show();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** The preset that the sampling is, if it is one. */
  get preset(): Preset | undefined {
    return presetNames.find((name) => same(PRESETS[name], this.#settings.sampling));
  }

  set(change: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#show();
    this.emit("settings", this.#settings);
  }

  set disabled(isDisabled: boolean) {
    this.#fields.disabled = isDisabled;
  }

  /** What the model allows. */
  setModel(info: ModelInfo): void {
    const { count, names, usual } = paintable(info);
    this.#classes.hidden = count === null;
    this.#class.root.hidden = names !== null;
    this.#named.hidden = names === null;
    this.#scale.root.hidden = !info.classifier;
    if (info.classifier) this.#details.before(this.#classes);
    else this.#more.append(this.#classes);
    this.#class.input.max = String((count ?? 1000) - 1);
    this.#name.replaceChildren(...(names ?? []).map((name, index) => h("option", {}, `${index} ${name}`)));
    this.#mostSteps = info.diffusionSteps;
    this.#usualClass = usual;
    this.#usualScale = info.classifier?.scale ?? 1;
    if (count !== null && (this.#settings.class ?? 0) >= count) this.set({ class: undefined });
    this.#show();
  }

  /** Where the run stands; undefined: nothing is being run. `calls`: of the crop that is under way. */
  setProgress(calls: number | undefined): void {
    const at = calls === undefined ? undefined : this.#plot?.at(calls);
    this.#now.classList.toggle("shown", at !== undefined);
    if (!at) return;
    this.#now.setAttribute("cx", String(at.x));
    this.#now.setAttribute("cy", String(at.y));
  }

  /** Model calls of one crop. */
  get modelCalls(): number {
    return this.#plot?.modelCalls ?? 0;
  }

  #drawPlotBox(): HTMLElement {
    const { width, height } = plotBox;
    const picture = svg(
      "svg",
      { class: "plot", viewBox: `-6 -6 ${width + 12} ${height + 12}`, "aria-hidden": "true" },
      svg("path", { class: "plot-axis", d: `M0 0V${height}H${width}` }),
      this.#line,
      this.#now,
    );
    return h("figure", { class: "plot-box" }, picture, this.#plotText);
  }

  #readSeed(): void {
    const value = this.#seed.checkValidity() ? BigInt(this.#seed.value) : -1n;
    const isGood = value >= 0n && value < 1n << 64n;
    this.#seed.setCustomValidity(isGood || !this.#seed.value ? "" : "a whole number from 0 to 2^64 - 1");
    if (isGood && value !== this.#settings.seed) this.set({ seed: value });
  }

  #show(): void {
    const { sampling, seed, count, precision, detail, class: label, classifierScale, previewSeconds } = this.#settings;
    for (const [name, input] of this.#presets) input.checked = name === this.preset;
    this.#sampler.show(sampling, this.#mostSteps);
    write(this.#seed, String(seed));
    write(this.#count.input, String(count));
    write(this.#class.input, String(label ?? this.#usualClass));
    this.#name.selectedIndex = label ?? this.#usualClass;
    write(this.#scale.input, String(classifierScale ?? this.#usualScale));
    this.#precision.value = precision;
    this.#detail.value = detail;
    this.#preview.checked = previewSeconds > 0;
    if (previewSeconds > 0) this.#seconds = previewSeconds;
    this.#showPlot(sampling);
  }

  #showPlot(sampling: Sampling): void {
    try {
      this.#plot = plotSampling(sampling, plotBox.width, plotBox.height);
    } catch (error) {
      this.#plot = undefined;
      this.#line.setAttribute("d", "");
      this.#plotText.textContent = (error as Error).message;
      return;
    }
    this.#line.setAttribute("d", this.#plot.path);
    this.#plotText.textContent = `${samplingWords(sampling)}: ${this.#plot.modelCalls.toLocaleString("en-US")} model calls`;
  }
}

/** What happens, in one sentence. */
function samplingWords(given: Sampling): string {
  const from = given.strength === undefined ? "noise" : "what is there";
  const sampling = walked(given);
  if (sampling.sampler === "langevin")
    return `From ${from} to picture in ${sampling.levels} levels, with ${sampling.inner} steps at each that make the new part fit the rest`;
  const { steps, jumpLength, resamples } = sampling;
  const jumps = resamples > 1 ? `, back ${jumpLength} and again, ${resamples} times over` : ", straight down";
  return `Noise from ${steps} down to 0${jumps}`;
}

function same(a: Sampling, b: Sampling): boolean {
  const [one, other] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return [...one.keys(), ...other.keys()].every((name) => one.get(name) === other.get(name));
}

/** Short enough to be told to somebody. */
function randomSeed(): bigint {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000);
}
