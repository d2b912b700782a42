/**
 * The tools by what they do between down and up, whatever moves them: a pointer (pointer.ts) or the keyboard's cursor
 * (keyboard.ts). Not here: shapes themselves (maskOperations.ts), undo (history.ts).
 */
import { Emitter } from "./emitter.ts";
import type { Point } from "./maskOperations.ts";
import type { Workspace } from "./workspace.ts";

/** `extend` paints nothing: its handles stand on the canvas's edges (canvasEdges.ts). */
export type ToolName = "brush" | "eraser" | "lasso" | "rectangle" | "extend";

/** A place in the picture, with how hard it is pressed: 0 … 1. */
export interface Touch extends Point {
  readonly pressure: number;
}

interface ToolEvents extends Record<string, unknown> {
  tool: ToolName;
  /** Diameter of brush and eraser, in pixels of the picture. */
  size: number;
  /** What lasso and rectangle have enclosed so far; undefined: nothing. */
  outline: readonly Point[] | undefined;
  /** Up or down. */
  isDown: boolean;
}

export class Tools extends Emitter<ToolEvents> {
  readonly #workspace: Workspace;
  #tool: ToolName = "brush";
  #size = 32;
  #last: Touch | undefined;
  #points: Point[] = [];
  #value: 0 | 1 = 1;

  constructor(workspace: Workspace) {
    super();
    this.#workspace = workspace;
    workspace.on("picture", (picture) => {
      this.#end();
      if (picture) this.size = Math.max(4, Math.round(Math.min(picture.width, picture.height) / 8));
    });
    workspace.on("locked", () => this.#end());
  }

  get tool(): ToolName {
    return this.#tool;
  }

  set tool(tool: ToolName) {
    this.cancel();
    this.#tool = tool;
    this.emit("tool", tool);
  }

  get size(): number {
    return this.#size;
  }

  set size(size: number) {
    this.#size = Math.min(Math.max(size, 1), this.largestSize);
    this.emit("size", this.#size);
  }

  get largestSize(): number {
    const { width, height } = this.#workspace.mask;
    return Math.max(2, Math.round(Math.max(width, height) / 2));
  }

  get hasSize(): boolean {
    return this.#tool === "brush" || this.#tool === "eraser";
  }

  get isDown(): boolean {
    return this.#last !== undefined;
  }

  /** One step of the size, by a factor that is felt alike at every size. */
  stepSize(steps: number): void {
    const next = this.#size * 1.2 ** steps;
    this.size = steps > 0 ? Math.max(Math.ceil(next), this.#size + 1) : Math.min(Math.floor(next), this.#size - 1);
  }

  /** `opposite`: the eraser paints, everything else takes away. */
  down(touch: Touch, { opposite = false } = {}): void {
    if (this.#tool === "extend" || this.#workspace.locked || !this.#workspace.picture) return;
    this.#workspace.choose(undefined);
    this.#value = (this.#tool === "eraser") === opposite ? 1 : 0;
    this.#points = [touch];
    this.#last = touch;
    this.emit("isDown", true);
    if (this.hasSize) this.#stroke(touch, touch);
    else this.#outline();
  }

  move(touch: Touch): void {
    const last = this.#last;
    if (!last) return;
    this.#last = touch;
    if (this.hasSize) return this.#stroke(last, touch);
    if (this.#tool === "lasso") this.#points.push(touch);
    else this.#points = [this.#points[0]!, touch];
    this.#outline();
  }

  up(): void {
    if (!this.#last) return;
    if (this.#tool === "lasso" && this.#points.length > 2)
      this.#workspace.paint({ kind: "polygon", points: this.#points }, this.#value);
    else if (this.#tool === "rectangle" && this.#points.length > 1)
      this.#workspace.paint({ kind: "rectangle", from: this.#points[0]!, to: this.#points[1]! }, this.#value);
    const label = this.#tool;
    this.#end();
    this.#workspace.endStep(label);
  }

  cancel(): void {
    if (!this.#last) return;
    this.#end();
    this.#workspace.cancelStep();
  }

  #end(): void {
    this.#last = undefined;
    this.#points = [];
    this.emit("isDown", false);
    this.emit("outline", undefined);
  }

  #stroke(from: Touch, to: Touch): void {
    const radius = ({ pressure }: Touch): number => (this.#size / 2) * pressure;
    this.#workspace.paint(
      { kind: "stroke", from: { ...from, radius: radius(from) }, to: { ...to, radius: radius(to) } },
      this.#value,
    );
  }

  #outline(): void {
    const [a, b] = this.#points;
    const corners =
      a && b && this.#tool === "rectangle" ? [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }] : this.#points;
    this.emit("outline", corners);
  }
}
