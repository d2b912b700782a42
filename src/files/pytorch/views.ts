/**
 * Reading a tensor that is a view of a storage as row-major bytes: in one read where its elements follow each other,
 * else gathered from pieces of at most 8 MiB. Not here: whether the view lies inside its storage (torchObjects.ts
 * checked it).
 */
export interface View {
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  readonly elementBytes: number;
  /** Of the view's first element, in bytes from the start of the file. */
  readonly begin: number;
}

interface Axis {
  readonly length: number;
  /** In elements of the storage. */
  readonly stride: number;
  /** In elements of the result. */
  readonly step: number;
}

const pieceBytes = 8 * 2 ** 20;

/** Bytes from the view's first element to the end of its last, gaps included; 0 for an empty view. */
export function spanBytes({ shape, strides, elementBytes }: Omit<View, "begin">): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, length, axis) => last + (length - 1) * strides[axis]!, 1) * elementBytes;
}

/** The view's elements, row-major and contiguous. `read` gives exactly the bytes asked for. */
export async function readView(
  view: View,
  read: (offset: number, length: number) => Promise<Uint8Array>,
  maxPieceBytes = pieceBytes,
): Promise<Uint8Array> {
  const { elementBytes, begin } = view;
  const span = spanBytes(view);
  const bytes = view.shape.reduce((product, length) => product * length, elementBytes);
  if (span === 0) return new Uint8Array(0);
  const axes = mergedAxes(view);
  const inner = axes.at(-1);
  const isContiguous = axes.length === 0 || (axes.length === 1 && inner!.stride === 1 && inner!.step === 1);
  if (isContiguous) return read(begin, bytes);

  const result = new Uint8Array(bytes);
  // Whole runs are copied at once.
  const run = inner!.stride === 1 && inner!.step === 1 ? axes.pop()!.length : 1;
  const counters = axes.map(() => 0);
  const runBytes = run * elementBytes;
  let piece: Uint8Array = new Uint8Array(0);
  let pieceBegin = 0;
  let from = 0;
  let to = 0;
  for (;;) {
    for (let done = 0; done < runBytes;) {
      const at = from * elementBytes + done;
      if (at < pieceBegin || at >= pieceBegin + piece.length) {
        pieceBegin = at;
        const whole = Math.max(elementBytes, maxPieceBytes - (maxPieceBytes % elementBytes));
        piece = await read(begin + at, Math.min(whole, span - at));
      }
      const count = Math.min(runBytes - done, pieceBegin + piece.length - at);
      const source = at - pieceBegin;
      const target = to * elementBytes + done;
      if (count <= 16) for (let i = 0; i < count; i++) result[target + i] = piece[source + i]!;
      else result.set(piece.subarray(source, source + count), target);
      done += count;
    }
    let axis = axes.length - 1;
    for (; axis >= 0; axis--) {
      const { length, stride, step } = axes[axis]!;
      from += stride;
      to += step;
      if (++counters[axis]! < length) break;
      counters[axis] = 0;
      from -= length * stride;
      to -= length * step;
    }
    if (axis < 0) return result;
  }
}

/**
 * Axes from the longest stride to the shortest, so that the storage is passed once from front to back; axes that
 * continue each other in both are one.
 */
function mergedAxes({ shape, strides }: View): Axis[] {
  let step = 1;
  const axes: Axis[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis]!;
    if (length > 1) axes.push({ length, stride: strides[axis]!, step });
    step *= length;
  }
  axes.sort((a, b) => b.stride - a.stride || b.step - a.step);
  const merged: Axis[] = [];
  for (const axis of axes) {
    const outer = merged.at(-1);
    if (outer && outer.stride === axis.stride * axis.length && outer.step === axis.step * axis.length) {
      merged[merged.length - 1] = { ...axis, length: axis.length * outer.length };
    } else merged.push(axis);
  }
  return merged;
}

/**
 * Whether reading the view could pass its storage many times: axes that overlap each other over more than one piece.
 */
export function isTangled(view: View): boolean {
  if (spanBytes(view) <= pieceBytes) return false;
  const axes = mergedAxes(view).filter(({ stride }) => stride > 0);
  let inside = 0;
  for (const { length, stride } of axes.reverse()) {
    if (stride <= inside) return true;
    inside += (length - 1) * stride;
  }
  return false;
}
