/** The tools above the picture, made from the commands; and what else can be done with a mask. */
import { MASK_PATTERNS, type MaskPattern } from "../../pictures/masks.ts";
import type { Command } from "./commands.ts";
import { keyWords } from "./commands.ts";
import { button, menu } from "./controls.ts";
import { h } from "./dom.ts";
import type { Tools } from "./tools.ts";
import type { Workspace } from "./workspace.ts";

interface Parts {
  readonly workspace: Workspace;
  readonly tools: Tools;
  readonly commands: readonly Command[];
  /** "Open", with what it opens. */
  readonly open: HTMLElement;
  readonly say: (words: string) => void;
  readonly onPattern: (pattern: MaskPattern) => void;
  readonly onUpload: () => void;
  readonly onDownload: () => void;
}

const patternLabels: Readonly<Record<MaskPattern, string>> = {
  wide: "Wide strokes",
  narrow: "Narrow strokes",
  "super-resolve": "Every 2nd pixel",
  "alternating-lines": "Every 2nd line",
  half: "One half",
  expand: "All around",
};

export class Toolbar {
  readonly root: HTMLElement;
  /** Zoom and fit, which stand on the stage. */
  readonly view: HTMLElement;
  readonly #parts: Parts;
  readonly #buttons: (readonly [Command, HTMLButtonElement])[] = [];
  readonly #plain: HTMLButtonElement[] = [];
  readonly #size: HTMLInputElement;
  readonly #sizeText = h("output", { class: "size-text" });
  #closeMenu: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { tools, workspace } = parts;
    this.#size = h("input", {
      type: "range",
      min: "0",
      max: "1000",
      step: "any",
      class: "size",
      attributes: { "aria-label": "Size of the brush" },
      on: { input: () => (tools.size = sizeAt(this.#size.valueAsNumber / 1000, tools.largestSize)) },
    });
    this.root = h(
      "div",
      { class: "toolbar", part: "toolbar", attributes: { role: "toolbar", "aria-label": "Mask" } },
      parts.open,
      h("div", { class: "group tools" }, ...this.#group("tool", true)),
      h("div", { class: "group sizes" }, this.#size, this.#sizeText),
      h("div", { class: "group history" }, ...this.#group("history", true)),
      h("div", { class: "group inline" }, ...this.#group("mask", true)),
      this.#maskMenu(),
    );
    this.view = h(
      "div",
      { class: "view", attributes: { role: "group", "aria-label": "View" } },
      ...this.#group("view", true),
    );
    tools.on("size", () => this.#update());
    tools.on("tool", () => this.#update());
    workspace.on("history", () => this.#update());
    workspace.on("locked", () => this.#update());
    workspace.on("picture", () => this.#update());
    this.#update();
  }

  #group(group: Command["group"], iconOnly: boolean): HTMLButtonElement[] {
    return this.#parts.commands
      .filter((command) => command.group === group)
      .map((command) => {
        const [key] = command.keys;
        const made = button({
          label: command.label,
          icon: command.icon,
          iconOnly,
          title: key ? `${command.label} (${keyWords(key)})` : command.label,
          run: () => {
            this.#parts.say(command.run() ?? "");
            if (!iconOnly) this.#closeMenu();
          },
        });
        this.#buttons.push([command, made]);
        return made;
      });
  }

  #maskMenu(): HTMLElement {
    const plain = (label: string, run: () => void, icon?: "upload" | "download"): HTMLButtonElement => {
      const made = button({
        label,
        ...(icon ? { icon } : {}),
        run: () => {
          this.#closeMenu();
          run();
        },
      });
      this.#plain.push(made);
      return made;
    };
    const { onPattern, onUpload, onDownload } = this.#parts;
    const patterns = Object.keys(MASK_PATTERNS) as MaskPattern[];
    const panel = h(
      "div",
      { class: "mask-menu" },
      h("div", { class: "narrow" }, ...this.#group("mask", false)),
      h("p", { class: "menu-title" }, "The paper’s masks"),
      h("div", { class: "patterns" }, ...patterns.map((one) => plain(patternLabels[one], () => onPattern(one)))),
      h("p", { class: "menu-title" }, "As a file, white = to be filled"),
      plain("Open a mask", onUpload, "upload"),
      plain("Save the mask", onDownload, "download"),
    );
    const trigger = button({ label: "Mask", icon: "mask", class: "mask-button", run: () => undefined });
    this.#plain.push(trigger);
    const made = menu(trigger, panel);
    this.#closeMenu = made.close;
    made.root.classList.add("end");
    return made.root;
  }

  #update(): void {
    const { tools, workspace } = this.#parts;
    for (const [command, made] of this.#buttons) {
      made.disabled = !(command.isEnabled?.() ?? true);
      if (command.isPressed) made.setAttribute("aria-pressed", String(command.isPressed()));
    }
    const canPaint = workspace.picture !== undefined && !workspace.locked;
    for (const one of this.#plain) one.disabled = !canPaint;
    this.#size.disabled = !canPaint || !tools.hasSize;
    this.#size.valueAsNumber = 1000 * placeOf(tools.size, tools.largestSize);
    this.#sizeText.value = `${Math.round(tools.size)} px`;
    this.#size.setAttribute("aria-valuetext", `${Math.round(tools.size)} pixels`);
  }
}

/** The slider is logarithmic: small sizes need as much room as large ones. */
function sizeAt(place: number, largest: number): number {
  return largest ** place;
}

function placeOf(size: number, largest: number): number {
  return Math.log(size) / Math.log(largest);
}
