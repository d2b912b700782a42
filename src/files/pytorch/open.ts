/**
 * PyTorch checkpoints as tensor files: the pickle is read on opening, each tensor's bytes when asked for, by range.
 * Nothing in the file is executed (globals.ts says what is refused). Not here: telling formats apart (formats.ts),
 * writing.
 */
import { CheckpointError } from "../../errors.ts";
import { quoted } from "../../text/quoted.ts";
import type { Container } from "./container.ts";
import { openLegacyContainer } from "./legacyContainer.ts";
import { type Reader, sourceReader } from "./reader.ts";
import { findStateDict, type StateDict } from "./stateDict.ts";
import type { Tensor } from "./values.ts";
import { isTangled, readView, spanBytes, type View } from "./views.ts";
import { openZipContainer } from "./zipContainer.ts";
import type { ByteSource } from "../bytes.ts";
import type { TensorFile, TensorInfo } from "../tensorFile.ts";

export interface PyTorchFile extends TensorFile {
  /**
   * `begin` and `end` of a tensor are the range of the file that holds its elements. Ranges of tensors that share a
   * storage overlap, and a strided one has gaps: only `read` gives the tensor.
   */
  readonly tensors: Map<string, TensorInfo>;
  /** Which state dict was taken, if the file has several. */
  readonly assumed: readonly string[];
  readonly place: StateDict["place"];
}

/**
 * Opens a file of torch.save: `zip` (since PyTorch 1.6) or `pickle` (before; plain pickles are refused). `network` says
 * which of several state dicts is meant. Throws CheckpointError for files that are damaged or cut off, that ask for
 * more than a state dict needs (naming the global), or that hold no state dict, and for tensors that lie outside of
 * their storage.
 */
export async function openPyTorch(
  source: ByteSource,
  format: "zip" | "pickle",
  network?: string,
): Promise<PyTorchFile> {
  const reader = sourceReader(source);
  const container = await (format === "zip" ? openZipContainer(reader) : openLegacyContainer(reader));
  const { tensors: found, assumed, place } = findStateDict(container.value, reader.fail, network);
  const views = await placeTensors(found, container, reader);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { dtype, view }] of views) {
    const { begin } = view;
    tensors.set(name, { name, dtype, shape: [...view.shape], begin, end: begin + spanBytes(view) });
  }
  const { isBigEndian } = container;
  return {
    name: source.name,
    metadata: new Map(),
    tensors,
    assumed,
    place,
    read: async (name) => {
      const placed = views.get(name);
      if (!placed) {
        throw new CheckpointError(`${source.name}: expected a tensor ${quoted(name)}, but it has none of that name`);
      }
      const bytes = await readView(placed.view, reader.read);
      return isBigEndian ? swapped(bytes, placed.dtype === "C64" ? 4 : placed.view.elementBytes) : bytes;
    },
  };
}

interface Placed {
  readonly dtype: TensorInfo["dtype"];
  readonly view: View;
}

async function placeTensors(
  tensors: ReadonlyMap<string, Tensor>,
  container: Container,
  { fail }: Reader,
): Promise<Map<string, Placed>> {
  const sizes = new Map<string, number>();
  for (const { storage } of tensors.values()) {
    const known = sizes.get(storage.key);
    if (known !== undefined && known !== storage.bytes) fail(`storage ${quoted(storage.key)} comes with two sizes`);
    sizes.set(storage.key, storage.bytes);
  }
  const offsets = await container.locate(sizes);
  const views = new Map<string, Placed>();
  for (const [name, { storage, dtype, elementBytes, offset, shape, strides }] of tensors) {
    if (dtype === undefined) {
      return fail(`tensor ${quoted(name)}: its type ${quoted(storage.typeName)} is not read; convert it to float32`);
    }
    // An empty view may start anywhere; it has no bytes there.
    const first = shape.includes(0) ? 0 : storage.viewBegin + offset * elementBytes;
    const view = { shape, strides, elementBytes, begin: offsets.get(storage.key)! + first };
    if (isTangled(view))
      fail(`tensor ${quoted(name)}: expected a view whose elements do not overlap; save a copy of it`);
    views.set(name, { dtype, view });
  }
  return views;
}

/** A copy in the other byte order. */
function swapped(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const copy = bytes.slice();
  for (let at = 0; at < copy.length; at += elementBytes) copy.subarray(at, at + elementBytes).reverse();
  return copy;
}
