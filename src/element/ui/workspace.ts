/**
 * What lies on the table: the picture, the mask with its history, the results and the chosen one. Parts listen to it
 * and change it here only. Not here: drawing (surface.ts), runs (engineSession.ts).
 */
import { InputError } from "../../errors.ts";
import type { Box } from "../../pictures/holes.ts";
import { createPicture, type Picture } from "../../pictures/image.ts";
import type { RunPreview, Variation } from "../types.ts";
import { Emitter } from "./emitter.ts";
import { MaskHistory } from "./history.ts";
import { createFillMask, filledBox, paint, shapeBox, type FillMask, type Shape } from "./maskOperations.ts";

/** A result without what it shares with the picture: the box around what was filled. */
export interface Result extends Omit<Variation, "picture"> {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly patch: Picture;
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

/** The oldest go first. */
const mostResults = 24;
export const mostPixels = 2 ** 26;

export class Workspace extends Emitter<WorkspaceEvents> {
  #picture: Picture | undefined;
  #name = "picture";
  #mask: FillMask = createFillMask(0, 0);
  #history = new MaskHistory(this.#mask);
  /** Forgotten whenever the mask changes. */
  #filled: { readonly box: Box | undefined } | undefined;
  #results: readonly Result[] = [];
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
    return this.#mask;
  }

  /** Around all that is to be filled. */
  get filled(): Box | undefined {
    this.#filled ??= { box: filledBox(this.#mask) };
    return this.#filled.box;
  }

  get history(): Pick<MaskHistory, "canUndo" | "canRedo"> {
    return this.#history;
  }

  get results(): readonly Result[] {
    return this.#results;
  }

  get chosen(): Result | undefined {
    return this.#chosen;
  }

  get locked(): boolean {
    return this.#locked;
  }

  setPicture(picture: Picture | undefined, name = "picture"): void {
    this.setResults([]);
    this.#picture = picture;
    this.#name = name;
    this.#mask = createFillMask(picture?.width ?? 0, picture?.height ?? 0);
    this.#history = new MaskHistory(this.#mask);
    this.#filled = undefined;
    this.emit("picture", picture);
    this.emit("history", undefined);
  }

  /** Part of the step that is under way, which `endStep` ends. */
  paint(shape: Shape, value: 0 | 1): void {
    const box = shapeBox(shape, this.#mask);
    if (this.#locked || box.width === 0 || box.height === 0) return;
    this.#history.touch(box);
    paint(this.#mask, shape, value);
    this.#maskChanged(box);
  }

  #maskChanged(box: Box): void {
    this.#filled = undefined;
    this.emit("mask", box);
  }

  /** False where it changed nothing. */
  endStep(label: string): boolean {
    const changed = this.#history.commit(label);
    if (changed) this.emit("history", undefined);
    return changed;
  }

  cancelStep(): void {
    const box = this.#history.rollback();
    if (box) this.#maskChanged(box);
  }

  /** As one step. @throws InputError for another size */
  replaceMask(mask: FillMask, label: string): boolean {
    if (this.#locked) return false;
    const { width, height } = this.#mask;
    if (mask.width !== width || mask.height !== height)
      throw new InputError(`the mask is ${mask.width}×${mask.height}, the picture ${width}×${height}`);
    const all = { x: 0, y: 0, width, height };
    this.#history.touch(all);
    this.#mask.data.set(mask.data);
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
    const restored = this.#history[which]();
    if (!restored) return undefined;
    this.#maskChanged(restored.box);
    this.emit("history", undefined);
    return restored.label;
  }

  lock(locked: boolean): void {
    if (locked === this.#locked) return;
    if (locked) this.cancelStep();
    this.#locked = locked;
    this.emit("locked", locked);
  }

  addResult({ x, y, picture, ...rest }: Omit<RunPreview, "step"> & Pick<Variation, "reached">): Result {
    const result = { ...rest, x, y, patch: picture, id: ++this.#lastId };
    this.setResults([...this.#results, result].slice(-mostResults));
    return result;
  }

  setResults(results: readonly Result[]): void {
    if (results.length === 0 && this.#results.length === 0) return;
    this.#results = results;
    this.emit("results", results);
    if (this.#chosen && !results.includes(this.#chosen)) this.choose(undefined);
  }

  choose(result: Result | undefined): void {
    if (result === this.#chosen) return;
    this.#chosen = result;
    this.emit("chosen", result);
  }

  /** The picture with the chosen result in it, at its own size. */
  compose(result = this.#chosen): Picture | undefined {
    if (!this.#picture) return undefined;
    const { width, height, data } = this.#picture;
    const whole = createPicture(width, height);
    whole.data.set(data);
    if (result) pasteBox(whole, result.patch, result);
    return whole;
  }
}

function pasteBox(into: Picture, patch: Picture, { x, y }: { x: number; y: number }): void {
  for (let row = 0; row < patch.height; row++)
    into.data.set(
      patch.data.subarray(4 * row * patch.width, 4 * (row + 1) * patch.width),
      4 * ((y + row) * into.width + x),
    );
}
