/**
 * What lies on the table: the picture, the mask with its history, the results and the chosen one. Parts listen to it
 * and change it here only. Not here: drawing (surface.ts), runs (engineSession.ts).
 */
import { InputError } from "../../errors.ts";
import type { Box } from "../../pictures/holes.ts";
import { extendedSize, lay, type Sides } from "../../pictures/extend.ts";
import { createPicture, type NewPicture, type Picture } from "../../pictures/image.ts";
import type { RunPreview, Variation } from "../types.ts";
import { Emitter } from "./emitter.ts";
import type { ModelState, Settings } from "./engineSession.ts";
import { MaskHistory } from "./history.ts";
import { createFillMask, filledBox, paint, shapeBox, type FillMask, type Shape } from "./maskOperations.ts";

/** A result without what it shares with the picture: the box around what was filled. */
export interface Result extends Omit<Variation, "picture"> {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly patch: NewPicture;
  /** What made it, for its file. */
  readonly made?: { readonly settings: Settings; readonly model: ModelState };
}

interface WorkspaceEvents extends Record<string, unknown> {
  picture: Picture | undefined;
  /** What has changed. */
  mask: Box;
  /** A step was ended, undone or redone. */
  history: undefined;
  results: readonly Result[];
  chosen: Result | undefined;
  /** Whether the mask may be painted on. */
  locked: boolean;
}

/** A size of the canvas, with what was done on it. */
interface Canvas {
  /** How far it reaches beyond the picture that was opened, in pixels. */
  readonly sides: Sides;
  readonly mask: FillMask;
  readonly history: MaskHistory;
  results: readonly Result[];
  /** What made it, of which several sizes are one step: a key that is held, say. */
  readonly gesture: object | undefined;
}

export const sideNames = ["left", "top", "right", "bottom"] as const;
const noSides: Sides = { left: 0, top: 0, right: 0, bottom: 0 };
/** The oldest go first. */
const mostResults = 24;
export const mostPixels = 2 ** 26;

export class Workspace extends Emitter<WorkspaceEvents> {
  /** As it was opened; `#picture` is it on the canvas. */
  #opened: Picture | undefined;
  #picture: Picture | undefined;
  #name = "picture";
  #canvas = createCanvas(createFillMask(0, 0));
  /** Sizes that undo and redo lead to, the nearest last. */
  readonly #earlier: Canvas[] = [];
  readonly #later: Canvas[] = [];
  /** Forgotten whenever the mask changes. */
  #filled: { readonly box: Box | undefined } | undefined;
  #chosen: Result | undefined;
  #locked = false;
  #lastId = 0;

  get picture(): Picture | undefined {
    return this.#picture;
  }

  /** Of the file that the picture came from, without its ending. */
  get name(): string {
    return this.#name;
  }

  get mask(): FillMask {
    return this.#canvas.mask;
  }

  /** How far the canvas reaches beyond the picture that was opened, in pixels. */
  get sides(): Sides {
    return this.#canvas.sides;
  }

  /** Around all that is to be filled. */
  get filled(): Box | undefined {
    this.#filled ??= { box: filledBox(this.mask) };
    return this.#filled.box;
  }

  get history(): Pick<MaskHistory, "canUndo" | "canRedo"> {
    const { canUndo, canRedo } = this.#canvas.history;
    return { canUndo: canUndo || this.#earlier.length > 0, canRedo: canRedo || this.#later.length > 0 };
  }

  get results(): readonly Result[] {
    return this.#canvas.results;
  }

  get chosen(): Result | undefined {
    return this.#chosen;
  }

  get locked(): boolean {
    return this.#locked;
  }

  setPicture(picture: Picture | undefined, name = "picture"): void {
    this.setResults([]);
    this.#opened = this.#picture = picture;
    this.#name = name;
    this.#canvas = createCanvas(createFillMask(picture?.width ?? 0, picture?.height ?? 0));
    this.#earlier.length = this.#later.length = 0;
    this.#filled = undefined;
    this.emit("picture", picture);
    this.emit("history", undefined);
  }

  /**
   * How far the canvas is to reach beyond the picture that was opened, as a step that can be undone: what it gains is
   * to be filled. Results belong to the canvas that they were made on. False where nothing changes.
   *
   * @param gesture steps of one gesture become one
   * @throws InputError for sides that are no whole numbers from 0 on, for none where none are, for too large a canvas
   */
  extend(change: Partial<Sides>, gesture?: object): boolean {
    if (this.#locked || !this.#opened) return false;
    const sides = { ...noSides, ...change };
    const isSame = (other: Sides): boolean => sideNames.every((name) => sides[name] === other[name]);
    if (!isSame(noSides) || isSame(this.sides)) extendedSize(this.#opened, sides, mostPixels);
    if (isSame(this.sides)) return false;
    this.cancelStep();
    const { history, results } = this.#canvas;
    const goesOn = gesture && gesture === this.#canvas.gesture && !history.canUndo && results.length === 0;
    const before = goesOn ? this.#earlier.pop()! : this.#canvas;
    before.history.forgetUndone();
    this.#later.length = 0;
    if (isSame(before.sides)) return this.#putOn(before);
    this.#earlier.push(before);
    const { width, height } = sizeOf(this.#opened, sides);
    const mask = createFillMask(width, height);
    mask.data.fill(1);
    lay(before.mask, mask, sides.left - before.sides.left, sides.top - before.sides.top);
    return this.#putOn(createCanvas(mask, sides, gesture));
  }

  #putOn(canvas: Canvas): true {
    this.choose(undefined);
    const [opened, { sides, mask }] = [this.#opened!, canvas];
    this.#canvas = canvas;
    this.#picture = opened;
    if (sideNames.some((name) => sides[name] > 0)) {
      this.#picture = createPicture(mask.width, mask.height);
      lay(opened, this.#picture, sides.left, sides.top);
    }
    this.emit("picture", this.#picture);
    this.#maskChanged({ x: 0, y: 0, width: mask.width, height: mask.height });
    this.emit("results", canvas.results);
    this.emit("history", undefined);
    return true;
  }

  /** Part of the step that is under way, which `endStep` ends. */
  paint(shape: Shape, value: 0 | 1): void {
    const { mask, history } = this.#canvas;
    const box = shapeBox(shape, mask);
    if (this.#locked || box.width === 0 || box.height === 0) return;
    history.touch(box);
    paint(mask, shape, value);
    this.#maskChanged(box);
  }

  #maskChanged(box: Box): void {
    this.#filled = undefined;
    this.emit("mask", box);
  }

  /** False where it changed nothing. */
  endStep(label: string): boolean {
    const changed = this.#canvas.history.commit(label);
    if (!changed) return false;
    this.#later.length = 0;
    this.emit("history", undefined);
    return true;
  }

  cancelStep(): void {
    const box = this.#canvas.history.rollback();
    if (box) this.#maskChanged(box);
  }

  /** As one step. @throws InputError for another size */
  replaceMask(mask: FillMask, label: string): boolean {
    if (this.#locked) return false;
    const { width, height } = this.mask;
    if (mask.width !== width || mask.height !== height)
      throw new InputError(`the mask is ${mask.width}×${mask.height}, the picture ${width}×${height}`);
    const all = { x: 0, y: 0, width, height };
    this.#canvas.history.touch(all);
    this.mask.data.set(mask.data);
    this.#maskChanged(all);
    return this.endStep(label);
  }

  /** What was undone. */
  undo(): string | undefined {
    return this.#restore("undo");
  }

  redo(): string | undefined {
    return this.#restore("redo");
  }

  #restore(which: "undo" | "redo"): string | undefined {
    if (this.#locked) return undefined;
    const restored = this.#canvas.history[which]();
    if (!restored) return this.#restoreCanvas(which);
    this.#maskChanged(restored.box);
    this.emit("history", undefined);
    return restored.label;
  }

  #restoreCanvas(which: "undo" | "redo"): string | undefined {
    const [from, to] = which === "undo" ? [this.#earlier, this.#later] : [this.#later, this.#earlier];
    const canvas = from.pop();
    if (!canvas) return undefined;
    to.push(this.#canvas);
    this.#putOn(canvas);
    return "size of the canvas";
  }

  lock(locked: boolean): void {
    if (locked === this.#locked) return;
    if (locked) this.cancelStep();
    this.#locked = locked;
    this.emit("locked", locked);
  }

  addResult({ x, y, picture, ...rest }: Omit<Result, "id" | "patch"> & Pick<RunPreview, "picture">): Result {
    const result = { ...rest, x, y, patch: picture, id: ++this.#lastId };
    this.setResults([...this.results, result].slice(-mostResults));
    return result;
  }

  setResults(results: readonly Result[]): void {
    if (results.length === 0 && this.results.length === 0) return;
    this.#canvas.results = results;
    this.emit("results", results);
    if (this.#chosen && !results.includes(this.#chosen)) this.choose(undefined);
  }

  choose(result: Result | undefined): void {
    if (result === this.#chosen) return;
    this.#chosen = result;
    this.emit("chosen", result);
  }

  /** The picture with the chosen result in it, at its own size. */
  compose(result = this.#chosen): NewPicture | undefined {
    if (!this.#picture) return undefined;
    const { width, height, data } = this.#picture;
    const whole = createPicture(width, height);
    whole.data.set(data);
    if (result) lay(result.patch, whole, result.x, result.y);
    return whole;
  }
}

function createCanvas(mask: FillMask, sides = noSides, gesture?: object): Canvas {
  return { sides, mask, history: new MaskHistory(mask), results: [], gesture };
}

function sizeOf({ width, height }: Picture, { left, top, right, bottom }: Sides): { width: number; height: number } {
  return { width: left + width + right, height: top + height + bottom };
}
