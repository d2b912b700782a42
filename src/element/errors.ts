/** Errors on their way between threads: by the name of the class that a page can catch. */
import {
  CheckpointError,
  DeviceLostError,
  InputError,
  InterruptedError,
  KernelError,
  NoAdapterError,
  NotFiniteError,
  OutOfMemoryError,
  RePaintError,
} from "../errors.ts";
import type { ErrorMessage } from "./messages.ts";

/** The most particular first. */
const classes = {
  CheckpointError,
  InputError,
  NoAdapterError,
  NotFiniteError,
  OutOfMemoryError,
  DeviceLostError,
  InterruptedError,
  RePaintError,
  KernelError,
} as const;

export function toErrorMessage(error: unknown): ErrorMessage {
  if (isAbort(error)) return { name: "InterruptedError", message: "stopped" };
  const known = Object.entries(classes).find(([, Class]) => error instanceof Class);
  if (known) return { name: known[0], message: (error as Error).message };
  // Somebody's mistake, ours or the browser's: its own name says more than ours would.
  return { name: "Error", message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

export function fromErrorMessage({ name, message }: ErrorMessage): Error {
  const Class = Object.hasOwn(classes, name) ? classes[name as keyof typeof classes] : Error;
  return new Class(message);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
