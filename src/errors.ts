/**
 * The errors that a user can meet, each with a name that code can test and the exit status the command line gives it.
 * Every message says what was expected, what came, and what to do.
 */

/**
 * Base of every error that is somebody's input or machine rather than our mistake: shown as one line, no stack trace.
 */
export class RePaintError extends Error {
  /** Exit status of the command line: 2 bad input, 3 no adapter, 5 out of memory or device lost, 130 interrupted. */
  readonly exitCode: number = 2;
  override name = "RePaintError";
}

/** A file, argument or setting that cannot be used. */
export class InputError extends RePaintError {
  override name = "InputError";
}

/** A checkpoint that is damaged, or that does not hold the tensors its architecture needs. */
export class CheckpointError extends InputError {
  override name = "CheckpointError";
}

/** A network whose output is NaN or infinite: damaged weights, or activations that their storage does not hold. */
export class NotFiniteError extends RePaintError {
  override name = "NotFiniteError";
}

/** No WebGPU implementation, or no adapter in it. */
export class NoAdapterError extends RePaintError {
  override readonly exitCode = 3;
  override name = "NoAdapterError";
}

/** The adapter refused memory, or a tensor is larger than the adapter binds. */
export class OutOfMemoryError extends RePaintError {
  override readonly exitCode = 5;
  override name = "OutOfMemoryError";
}

/** The device was lost while work was under way. */
export class DeviceLostError extends RePaintError {
  override readonly exitCode = 5;
  override name = "DeviceLostError";
}

/**
 * What was ended before its end by another call: the loop over a run was left, what it runs on was disposed of, a newer
 * picture or model took its place. What an AbortSignal ends rejects with the signal's reason instead, as `fetch` does.
 */
export class InterruptedError extends RePaintError {
  override readonly exitCode = 130;
  override name = "InterruptedError";
}

/**
 * A shader or a plan that WebGPU rejects: a mistake of ours, or in a kernel of the caller's own, so the message carries
 * the numbered source. Everything else on the device goes on.
 */
export class KernelError extends Error {
  override name = "KernelError";
}
