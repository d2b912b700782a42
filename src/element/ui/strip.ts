/**
 * The results side by side, each with its seed; choosing one, comparing it with the original, and taking it along. Not
 * here: what "taking along" does (element.ts), the dividing line itself (surface.ts).
 */
import { button } from "./controls.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";
import { toImageData, type Surface } from "./surface.ts";
import { thumbnail } from "./thumbnail.ts";
import type { Result, Workspace } from "./workspace.ts";

interface Parts {
  readonly workspace: Workspace;
  readonly surface: Surface;
  readonly onDownload: () => void;
  readonly onCopy: () => void;
  readonly onUse: () => void;
  readonly say: (words: string) => void;
}

const thumbSide = 128;

export class Strip {
  readonly root: HTMLElement;
  readonly #parts: Parts;
  readonly #list = h("div", { class: "thumbs", attributes: { role: "group", "aria-label": "Results" } });
  readonly #actions: HTMLElement;
  readonly #compare: HTMLButtonElement;
  readonly #slider: HTMLInputElement;
  readonly #thumbs = new Map<number, HTMLButtonElement>();
  readonly #mask: HTMLButtonElement;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { workspace, surface } = parts;
    this.#mask = h(
      "button",
      { type: "button", class: "thumb", part: "result", on: { click: () => workspace.choose(undefined) } },
      h("span", { class: "thumb-mask" }, icon("mask")),
      h("span", { class: "thumb-name" }, "Mask"),
    );
    this.#slider = h("input", {
      type: "range",
      min: "0",
      max: "100",
      value: "50",
      class: "compare-slider",
      part: "compare",
      attributes: { "aria-label": "Original up to here" },
      on: { input: () => (surface.split = this.#slider.valueAsNumber / 100) },
    });
    this.#compare = button({
      label: "Compare",
      icon: "compare",
      part: "compare-button",
      run: () => this.#toggleCompare(),
    });
    const { onDownload, onCopy, onUse } = parts;
    this.#actions = h(
      "div",
      { class: "actions" },
      this.#compare,
      this.#slider,
      button({ label: "Copy", icon: "copy", iconOnly: true, part: "copy", run: onCopy }),
      button({ label: "Go on with it", icon: "use", class: "quiet", title: "Take this result as the picture", part: "use", run: onUse }), // prettier-ignore
      button({ label: "Download", icon: "download", class: "strong", part: "download", run: onDownload }),
    );
    this.root = h("section", { class: "strip", part: "results", attributes: { "aria-label": "Results" } }, this.#list, this.#actions); // prettier-ignore
    workspace.on("results", (results) => this.#show(results));
    workspace.on("chosen", () => this.#update());
    workspace.on("locked", () => this.#update());
    surface.onSplit = () => this.#update();
    this.#show([]);
  }

  #toggleCompare(): void {
    const { surface } = this.#parts;
    surface.split = surface.split === undefined ? 0.5 : undefined;
    this.#parts.say(
      surface.split === undefined ? "Comparison off" : "The original is on the left, the result on the right",
    );
  }

  #show(results: readonly Result[]): void {
    this.root.hidden = results.length === 0;
    const kept = new Set(results.map(({ id }) => id));
    for (const id of this.#thumbs.keys()) if (!kept.has(id)) this.#thumbs.delete(id);
    for (const result of results) if (!this.#thumbs.has(result.id)) this.#thumbs.set(result.id, this.#thumb(result));
    this.#list.replaceChildren(this.#mask, ...this.#thumbs.values());
    this.#update();
  }

  #thumb(result: Result): HTMLButtonElement {
    const seed = String(result.seed);
    const canvas = h("canvas", { width: thumbSide, height: thumbSide });
    const small = thumbnail(this.#parts.workspace.picture!, result, thumbSide);
    canvas.getContext("2d")!.putImageData(toImageData(small), 0, 0);
    return h(
      "button",
      {
        type: "button",
        class: "thumb",
        part: "result",
        title: `Seed ${seed}`,
        attributes: {
          "aria-label": `Result with seed ${seed}${result.reached === "preview" ? ", stopped early" : ""}`,
        },
        on: { click: () => this.#parts.workspace.choose(result) },
      },
      canvas,
      h("span", { class: "thumb-name" }, result.reached === "preview" ? `${seed} …` : seed),
    );
  }

  #update(): void {
    const { workspace, surface } = this.#parts;
    const { chosen, locked } = workspace;
    this.#mask.setAttribute("aria-pressed", String(chosen === undefined));
    for (const [id, thumb] of this.#thumbs) thumb.setAttribute("aria-pressed", String(id === chosen?.id));
    this.#actions.hidden = chosen === undefined || locked;
    const { split } = surface;
    this.#compare.setAttribute("aria-pressed", String(split !== undefined));
    this.#slider.hidden = split === undefined;
    if (split !== undefined) this.#slider.valueAsNumber = 100 * split;
  }
}
