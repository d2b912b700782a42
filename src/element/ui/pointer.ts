/**
 * Mouse, pen and fingers on the surface: strokes with pressure, pinch, space-drag, wheel. Not here: what a stroke does
 * (tools.ts).
 */
import type { Point } from "./maskOperations.ts";
import type { Surface } from "./surface.ts";
import type { Tools, Touch } from "./tools.ts";

type Mode = "idle" | "stroke" | "pan" | "pinch" | "compare";

/** Pixels: mice turn 100 or 120 at a time. */
const notch = 100;

export class PointerInput {
  /** Space is held: dragging pans. Set by keyboard.ts; says whether it was used as that. */
  isPanning = false;
  hasPanned = false;
  readonly #surface: Surface;
  readonly #tools: Tools;
  readonly #pointers = new Map<number, Point>();
  #mode: Mode = "idle";
  /** A page that scrolls must not become a zoom because the picture came under the pointer. */
  #hasMoved = false;
  /** Of the wheel, in pixels, while it sizes the brush. */
  #turned = 0;

  constructor(surface: Surface, tools: Tools) {
    this.#surface = surface;
    this.#tools = tools;
    const { root } = surface;
    tools.on("tool", () => this.#style());
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", (event) => this.#up(event));
    root.addEventListener("pointercancel", (event) => this.#cancel(event));
    root.addEventListener("pointerleave", () => {
      this.#hasMoved = false;
      if (this.#mode === "idle") surface.cursor = undefined;
    });
    root.addEventListener("contextmenu", (event) => event.preventDefault());
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #down(event: PointerEvent): void {
    const { root } = this.#surface;
    if (event.pointerType === "mouse" && event.button === 2) return;
    // Focus is for the keyboard's keys; without preventDefault a drag would select text.
    event.preventDefault();
    root.focus({ preventScroll: true });
    root.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#surface.stageAt(event));
    if (this.#pointers.size === 2) {
      // A second finger: what the first began was no stroke.
      this.#tools.cancel();
      this.#mode = "pinch";
    } else if (this.#pointers.size === 1) {
      this.#mode = this.#modeOf(event);
      if (this.#mode === "compare") this.#compare(event);
      if (this.#mode !== "stroke") return this.#style();
      this.#surface.cursor = this.#surface.pictureAt(event);
      this.#tools.down(this.#touch(event), { opposite: event.altKey || event.buttons === 32 });
    }
    this.#style();
  }

  #modeOf(event: PointerEvent): Mode {
    if (this.isPanning || event.button === 1 || this.#tools.tool === "extend") return "pan";
    if (this.#surface.split !== undefined) return "compare";
    return "stroke";
  }

  #move(event: PointerEvent): void {
    if (event.movementX !== 0 || event.movementY !== 0) this.#hasMoved = true;
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.#surface.cursor = this.#surface.pictureAt(event);
      return;
    }
    const now = this.#surface.stageAt(event);
    if (this.#mode === "pinch") this.#pinch(event.pointerId, before, now);
    this.#pointers.set(event.pointerId, now);
    if (this.#mode === "compare") this.#compare(event);
    else if (this.#mode === "pan") {
      this.hasPanned = true;
      this.#surface.pan({ x: now.x - before.x, y: now.y - before.y });
    } else if (this.#mode === "stroke") {
      // Safari had none for long.
      const all = (event.getCoalescedEvents as (() => PointerEvent[]) | undefined)?.call(event) ?? [];
      for (const one of all.length > 0 ? all : [event]) this.#tools.move(this.#touch(one));
      this.#surface.cursor = this.#surface.pictureAt(event);
    }
  }

  #pinch(id: number, before: Point, now: Point): void {
    const other = [...this.#pointers].find(([pointer]) => pointer !== id)?.[1];
    if (!other) return;
    const middle = (a: Point): Point => ({ x: (a.x + other.x) / 2, y: (a.y + other.y) / 2 });
    const distance = (a: Point): number => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const [from, to] = [middle(before), middle(now)];
    this.#surface.pan({ x: to.x - from.x, y: to.y - from.y });
    this.#surface.zoom(distance(now) / distance(before), to);
  }

  #compare(event: PointerEvent): void {
    const { view } = this.#surface;
    const width = this.#surface.pictureWidth * view.scale;
    const split = (this.#surface.stageAt(event).x - view.x) / width;
    this.#surface.split = Math.min(Math.max(split, 0), 1);
  }

  #up(event: PointerEvent): void {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#mode === "stroke") this.#tools.up();
    // The finger that stays after a pinch paints nothing.
    if (this.#pointers.size === 0) this.#mode = "idle";
    if (event.pointerType === "touch") this.#surface.cursor = undefined;
    this.#style();
  }

  #cancel(event: PointerEvent): void {
    if (!this.#pointers.delete(event.pointerId)) return;
    this.#tools.cancel();
    if (this.#pointers.size === 0) this.#mode = "idle";
    this.#style();
  }

  #wheel(event: WheelEvent): void {
    if (!this.#surface.pictureWidth || !(event.ctrlKey || this.#hasMoved || this.#mode !== "idle")) return;
    event.preventDefault();
    // Shift turns a wheel sideways in some browsers.
    const delta = event.deltaY || event.deltaX;
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? delta : delta * 40;
    if (event.shiftKey || event.altKey) this.#resize(pixels);
    else this.#surface.zoom(2 ** (-Math.min(Math.max(pixels, -200), 200) / (event.ctrlKey ? 100 : 300)), this.#surface.stageAt(event)); // prettier-ignore
    this.#surface.cursor = this.#surface.pictureAt(event);
  }

  /** A notch of a wheel is a step; a touchpad's many small turns add up to one. */
  #resize(pixels: number): void {
    this.#turned += pixels;
    const steps = Math.trunc(this.#turned / notch);
    this.#turned -= steps * notch;
    if (steps !== 0) this.#tools.stepSize(-steps);
  }

  #touch(event: PointerEvent): Touch {
    // Only a pen tells how hard it is pressed; others say 0.5.
    const pressure = event.pointerType === "pen" ? Math.min(Math.max(event.pressure, 0.05), 1) : 1;
    return { ...this.#surface.pictureAt(event), pressure };
  }

  #style(): void {
    const isPanning = this.isPanning || this.#mode === "pan" || this.#mode === "pinch" || this.#tools.tool === "extend";
    this.#surface.root.classList.toggle("panning", isPanning);
  }

  /** Space was pressed or let go. */
  setPanning(isPanning: boolean): void {
    if (isPanning && !this.isPanning) this.hasPanned = false;
    this.isPanning = isPanning;
    this.#style();
  }
}
