/**
 * Which model: the shipped one, a file, an address, where the released ones are to be had, and what is kept of them.
 */
import { lastPart } from "../../text/addresses.ts";
import { releases } from "../../checkpoints/released/releases.ts";
import { presets, type Preset } from "../../checkpoints/released/unets.ts";
import { shippedModels } from "../../repaint/shipped.ts";
import type { ModelInfo, ModelSource } from "../types.ts";
import { addressForm, button, chooseWeights } from "./controls.ts";
import { h } from "./dom.ts";
import type { EngineSession, ModelState, Wanted } from "./engineSession.ts";
import { GuidePicker } from "./guidePicker.ts";
import { icon } from "./icons.ts";
import { byteWords, countWords } from "./words.ts";

interface Handlers {
  readonly session: EngineSession;
  readonly choose: (wanted: Wanted) => void;
  readonly fail: (error: unknown) => void;
}

export class ModelPicker {
  readonly root: HTMLElement;
  readonly #handlers: Handlers;
  readonly #name = h("span", { class: "model-name" });
  readonly #state = h("span", { class: "model-state" });
  readonly #bar = h("progress", { class: "bar thin", max: 1, hidden: true, attributes: { "aria-label": "Loading the model" } }); // prettier-ignore
  /** What did not keep it from loading. */
  readonly #warning = h("p", { class: "model-warning" });
  readonly #facts = h("dl", { class: "facts" });
  readonly #cached = h("div", { class: "cached" });
  readonly #fields: HTMLFieldSetElement;
  readonly #guide: GuidePicker;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
    const { choose, session } = handlers;
    this.#guide = new GuidePicker({ session, choose: (guide) => choose({ ...session.wanted, ...guide }) });
    const shipped = Object.values(shippedModels).map(
      ({ title, bytes }) =>
      button({ label: `${title}, shipped, ${byteWords(bytes)}`, icon: "chip", run: () => choose({ source: { shipped: title } }) }), // prettier-ignore
    );
    const form = addressForm(
      { label: "Address of a model", placeholder: "https://…/model.safetensors", action: "Load" },
      ({ value }) => choose({ source: new URL(value) }),
    );
    this.#fields = h(
      "fieldset",
      { class: "model-ways" },
      h("legend", { class: "visually-hidden" }, "Another model"),
      ...shipped,
      button({ label: "Open a file (.safetensors, .pt)", icon: "open", run: () => void this.#chooseFile() }),
      form,
    );
    const details = h(
      "details",
      { class: "model more", part: "model" },
      h("summary", {}, icon("chip"), h("span", { class: "model-words" }, this.#name, this.#state)),
      this.#facts,
      this.#warning,
      this.#fields,
      this.#guide.root,
      h("p", { class: "menu-title" }, "Released models"),
      this.#released(),
      h("p", { class: "menu-title" }, "Kept in this browser"),
      this.#cached,
    );
    details.addEventListener("toggle", () => {
      if (details.open) void this.#showCached();
    });
    this.root = h("section", { class: "model-section", attributes: { "aria-label": "Model" } }, details, this.#bar);
    session.on("model", (state) => this.#show(state));
    session.on("warning", (words) => (this.#warning.textContent = words));
    this.#show(session.model);
  }

  set disabled(isDisabled: boolean) {
    this.#fields.disabled = this.#guide.root.disabled = isDisabled;
  }

  async #chooseFile(): Promise<void> {
    const chosen = await chooseWeights();
    if (chosen) this.#handlers.choose({ source: chosen.weights, flags: chosen.flags });
  }

  /** They are other people's: named, with where to get them, never fetched from here. */
  #released(): HTMLElement {
    const items = presets
      .filter(isInpainter)
      .map(({ title, file, release, parameters }) =>
        h(
          "li",
          {},
          h("strong", {}, title),
          h(
            "span",
            {},
            `${file ? `${file}, ` : ""}${byteWords(4 * parameters)}. From ${releases[release].origin}. ${releases[release].licence}.`,
          ),
        ),
      );
    const words = "Download a file as its authors say, then open it here: nothing leaves this browser.";
    return h("details", { class: "released" }, h("summary", {}, countWords(items.length, "model")), h("p", {}, words), h("ul", {}, ...items)); // prettier-ignore
  }

  #show(state: ModelState): void {
    const { wanted } = this.#handlers.session;
    this.#bar.hidden = state.kind !== "loading";
    this.#facts.replaceChildren();
    if (state.kind === "loading") {
      const { progress } = state;
      if (!progress) this.#warning.textContent = "";
      this.#name.textContent = state.title;
      if (progress && progress.totalBytes > 0) this.#bar.value = progress.doneBytes / progress.totalBytes;
      else this.#bar.removeAttribute("value");
      this.#state.textContent = progress
        ? `${progress.phase}, ${byteWords(progress.doneBytes)} of ${byteWords(progress.totalBytes)}`
        : "loading …";
    } else if (state.kind === "loaded") {
      const { info } = state;
      this.#name.textContent = info.title;
      const guided = info.classifier ? `, guided by ${info.classifier.title}` : "";
      this.#state.textContent = `${info.imageSize}×${info.imageSize}, ${info.precision}${guided}`;
      this.#facts.append(...facts(info).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
      void this.#showCached();
    } else {
      this.#name.textContent = state.kind === "failed" ? state.title : nameOf(wanted.source);
      this.#state.textContent = state.kind === "failed" ? "did not load" : "loads when it is needed";
    }
  }

  async #showCached(): Promise<void> {
    const { cache } = this.#handlers.session.client;
    try {
      const [models, used] = await Promise.all([cache.list(), cache.usedBytes()]);
      const remove = (id: string) => () => void cache.remove(id).then(() => this.#showCached(), this.#handlers.fail);
      const rows = models.map(({ id, url, storedBytes, complete }) =>
        h(
          "li",
          {},
          h("span", { title: url }, `${lastPart(new URL(url))}, ${byteWords(storedBytes)}${complete ? "" : ", in part"}`), // prettier-ignore
          button({ label: "Remove", class: "quiet", run: remove(id) }),
        ),
      );
      const total = models.length === 0 ? "Nothing yet." : `${byteWords(used)} in all.`;
      this.#cached.replaceChildren(h("ul", {}, ...rows), h("p", {}, total));
    } catch (error) {
      this.#cached.replaceChildren(h("p", {}, (error as Error).message));
    }
  }
}

/** Upsamplers want a small picture beside the large one. */
function isInpainter(preset: Preset): boolean {
  return !("small_size" in preset.flags);
}

function nameOf(source: ModelSource): string {
  if (source instanceof File) return source.name;
  return source instanceof URL ? source.href : source.shipped;
}

function facts(info: ModelInfo): readonly (readonly [string, string])[] {
  return [
    ["Works at", `${info.imageSize}×${info.imageSize} pixels`],
    ["Parameters", info.parameters.toLocaleString("en-US")],
    ["Memory", byteWords(info.memoryBytes)],
    ...(info.classes === null ? [] : [["Classes", String(info.classes)] as const]),
    ...(info.assumed.length === 0 ? [] : [["Assumed", info.assumed.join(", ")] as const]),
    ...(info.sha256 === null ? [] : [["SHA-256", info.sha256] as const]),
  ];
}
