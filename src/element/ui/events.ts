/** The events that a page hears of the element, by name and with the type of their detail. */
import type { InpaintResult, LoadProgress, ModelInfo, RunPreview, RunProgress } from "../types.ts";

export interface RepaintEvents {
  /** A step is done, or the run's state is another. */
  progress: RunProgress;
  /** A part of the picture as it would be now. */
  preview: RunPreview;
  /**
   * A run has ended, or was stopped with what it had. Its pictures are the element's own: to be copied before a change.
   */
  result: InpaintResult;
  /** Something failed; `message` is one sentence for people. The element shows it, too. */
  error: { readonly error: Error; readonly message: string };
  /** A model is on its way: bytes that have come, then bytes on the device. */
  loading: LoadProgress;
  /** A model is loaded. */
  model: ModelInfo;
  /** Another picture was put in, or taken out (null). */
  picture: { readonly width: number; readonly height: number } | null;
  /** The value is another: a result was chosen or taken back. */
  change: { readonly value: File | null };
}

/** Each event has a second name, with a prefix: React and others take the plain ones for events of their own. */
export type RepaintEventMap = {
  readonly [Name in keyof RepaintEvents as Name | `repaint-${Name}`]: CustomEvent<RepaintEvents[Name]>;
};

/** The event under both names, the plain one first. */
export function repaintEvents<Name extends keyof RepaintEvents>(
  name: Name,
  detail: RepaintEvents[Name],
): readonly CustomEvent<RepaintEvents[Name]>[] {
  const options = { detail, bubbles: name !== "error", composed: true };
  return [new CustomEvent(name, options), new CustomEvent(`repaint-${name}`, options)];
}
