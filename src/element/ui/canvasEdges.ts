/**
 * The canvas made larger: a handle on each edge, for pointers and for keys, and a number for each side. Not here: what
 * a larger canvas is (workspace.ts).
 */
import type { Sides } from "../../pictures/extend.ts";
import { button, field } from "./controls.ts";
import { h } from "./dom.ts";
import { write } from "./samplerFields.ts";
import type { Surface } from "./surface.ts";
import type { Tools } from "./tools.ts";
import { mostPixels, sideNames, type Workspace } from "./workspace.ts";

interface Parts {
  readonly workspace: Workspace;
  readonly tools: Tools;
  readonly surface: Surface;
  /** Reads out. */
  readonly say: (words: string) => void;
  readonly fail: (error: unknown) => void;
}

type Side = keyof Sides;

/** Half of what a finger needs, in CSS pixels. */
const reach = 22;
const labels: Readonly<Record<Side, string>> = { left: "Left", top: "Top", right: "Right", bottom: "Bottom" };
/** The keys that move an edge outwards. Across its direction, as a slider's: up and right are more. */
const outwards: Readonly<Record<Side, readonly string[]>> = {
  left: ["ArrowLeft", "ArrowUp"],
  top: ["ArrowUp", "ArrowRight"],
  right: ["ArrowRight", "ArrowUp"],
  bottom: ["ArrowDown", "ArrowRight"],
};

export class CanvasEdges {
  /** On the stage. */
  readonly root: HTMLElement;
  /** Above it. */
  readonly fields: HTMLElement;
  readonly #parts: Parts;
  readonly #handles = new Map<Side, HTMLElement>();
  readonly #inputs = new Map<Side, HTMLInputElement>();
  readonly #outline = h("div", { class: "canvas-outline", hidden: true });
  /** What a drag has come to. */
  #dragged: Sides | undefined;
  /** Of the control that has the focus. */
  #gesture = {};

  constructor(parts: Parts) {
    this.#parts = parts;
    const { workspace, tools, surface } = parts;
    for (const side of sideNames) {
      this.#handles.set(side, this.#handle(side));
      this.#inputs.set(side, this.#input(side));
    }
    this.root = h("div", { class: "edges" }, this.#outline, ...this.#handles.values());
    const inputs = [...this.#inputs].map(([side, input]) => field(`${labels[side]}, px`, input));
    this.fields = h(
      "div",
      { class: "extend", part: "extend", attributes: { role: "group", "aria-label": "Pixels added to the canvas" } },
      ...inputs,
      button({ label: "25 % all around", run: () => this.#quarter() }),
      button({ label: "Done", class: "strong", run: () => (tools.tool = "brush") }),
    );
    for (const root of [this.root, this.fields]) root.addEventListener("focusin", () => (this.#gesture = {}));
    const update = (): void => this.#update();
    workspace.on("picture", update);
    workspace.on("locked", update);
    tools.on("tool", update);
    surface.onDraw = () => this.#place();
    update();
  }

  #handle(side: Side): HTMLElement {
    const isAcross = side === "left" || side === "right";
    const handle = h("div", {
      class: `edge ${side}`,
      tabIndex: 0,
      attributes: {
        role: "slider",
        "aria-label": `${labels[side]} edge of the canvas`,
        "aria-orientation": isAcross ? "horizontal" : "vertical",
        "aria-valuemin": "0",
      },
      on: { keydown: (event) => this.#key(side, event) },
    });
    const sign = side === "left" || side === "top" ? -1 : 1;
    let from: { readonly at: number; readonly amount: number } | undefined;
    const at = ({ clientX, clientY }: PointerEvent): number => (isAcross ? clientX : clientY);
    const end = (): void => {
      from = this.#dragged = undefined;
      this.#place();
    };
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || from) return;
      handle.setPointerCapture(event.pointerId);
      from = { at: at(event), amount: this.#parts.workspace.sides[side] };
    });
    handle.addEventListener("pointermove", (event) => {
      if (!from) return;
      const moved = (sign * (at(event) - from.at)) / this.#parts.surface.view.scale;
      const amount = Math.min(Math.max(Math.round(from.amount + moved), 0), this.#most(side));
      this.#dragged = { ...this.#parts.workspace.sides, [side]: amount };
      this.#place();
    });
    handle.addEventListener("pointerup", () => {
      const sides = this.#dragged;
      end();
      if (sides) this.#extend(sides);
    });
    handle.addEventListener("pointercancel", end);
    return handle;
  }

  #input(side: Side): HTMLInputElement {
    const change = (): void => this.#extend({ [side]: input.value === "" ? 0 : Number(input.value) }, this.#gesture);
    const input = h("input", { type: "number", min: "0", step: "1", class: "number", on: { change } });
    input.inputMode = "numeric";
    return input;
  }

  #key(side: Side, event: KeyboardEvent): void {
    const { workspace, say } = this.#parts;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.#dragged) {
      this.#dragged = undefined;
      this.#place();
      return say("Dropped");
    }
    const isArrow = event.key.startsWith("Arrow");
    if (!isArrow && event.key !== "Home") return;
    event.preventDefault();
    const { width, height } = workspace.mask;
    const step = event.shiftKey ? 1 : Math.max(1, Math.round(Math.min(width, height) / 32));
    const now = workspace.sides[side];
    const next = isArrow ? now + (outwards[side].includes(event.key) ? step : -step) : 0;
    this.#extend({ [side]: Math.min(Math.max(next, 0), this.#most(side)) }, this.#gesture);
  }

  /** What a side may have beside the others. */
  #most(side: Side): number {
    const { sides, mask } = this.#parts.workspace;
    const [along, across] = side === "left" || side === "right" ? [mask.width, mask.height] : [mask.height, mask.width];
    return Math.floor(mostPixels / across) - along + sides[side];
  }

  #quarter(): void {
    const { sides, mask } = this.#parts.workspace;
    const [x, y] = [mask.width - sides.left - sides.right, mask.height - sides.top - sides.bottom].map((length) =>
      Math.max(1, Math.round(length / 4)),
    );
    const { left, top, right, bottom } = sides;
    this.#extend({ left: left + x!, top: top + y!, right: right + x!, bottom: bottom + y! });
  }

  #extend(change: Partial<Sides>, gesture?: object): void {
    const { workspace, say, fail } = this.#parts;
    try {
      if (!workspace.extend({ ...workspace.sides, ...change }, gesture)) return;
      const { width, height } = workspace.mask;
      say(`The canvas has ${width} by ${height} pixels; what was added is to be filled`);
    } catch (error) {
      fail(error);
    }
  }

  #update(): void {
    const { workspace, tools } = this.#parts;
    const { sides, picture, locked } = workspace;
    this.root.hidden = this.fields.hidden = tools.tool !== "extend" || !picture || locked;
    for (const side of sideNames) {
      const [amount, handle] = [sides[side], this.#handles.get(side)!];
      handle.ariaValueNow = String(amount);
      handle.ariaValueMax = String(picture ? this.#most(side) : 0);
      handle.ariaValueText = `${amount} pixels added`;
      write(this.#inputs.get(side)!, String(amount));
    }
  }

  /** Where the view has the edges; beyond the stage, at its rim. */
  #place(): void {
    if (this.root.hidden) return;
    const { workspace, surface } = this.#parts;
    const { sides, mask } = workspace;
    const { view, size } = surface;
    const { left, top, right, bottom } = this.#dragged ?? sides;
    const x0 = view.x + (sides.left - left) * view.scale;
    const y0 = view.y + (sides.top - top) * view.scale;
    const x1 = view.x + (mask.width + right - sides.right) * view.scale;
    const y1 = view.y + (mask.height + bottom - sides.bottom) * view.scale;
    const places: Readonly<Record<Side, readonly [number, number]>> = {
      left: [x0 - reach, (y0 + y1) / 2],
      top: [(x0 + x1) / 2, y0 - reach],
      right: [x1 + reach, (y0 + y1) / 2],
      bottom: [(x0 + x1) / 2, y1 + reach],
    };
    const held = (value: number, length: number): number => Math.min(Math.max(value, reach), length - reach) - reach;
    for (const [side, handle] of this.#handles) {
      const [x, y] = places[side];
      handle.style.transform = `translate(${held(x, size.width)}px, ${held(y, size.height)}px)`;
    }
    this.#outline.hidden = !this.#dragged;
    this.#outline.style.transform = `translate(${x0}px, ${y0}px)`;
    this.#outline.style.inlineSize = `${x1 - x0}px`;
    this.#outline.style.blockSize = `${y1 - y0}px`;
    if (this.#dragged) {
      const [width, height] = [mask.width - sides.left - sides.right, mask.height - sides.top - sides.bottom];
      this.#outline.textContent = `${left + width + right} × ${top + height + bottom}`;
    }
  }
}
