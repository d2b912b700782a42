/**
 * A file of tensors read under other names: a view, which copies nothing. int8 weights keep their scales. Not here:
 * which names (src/checkpoints).
 */
import { CheckpointError } from "../errors.ts";
import { quoted } from "../text/quoted.ts";
import { scaleName } from "./int8.ts";
import type { TensorFile, TensorInfo } from "./tensorFile.ts";

/** A tensor as readers see it, and those of the file that follow each other in it. */
export interface Renamed {
  readonly info: TensorInfo;
  readonly sources: readonly TensorInfo[];
}

/** One tensor under another name. */
export function renamed(name: string, source: TensorInfo): Renamed {
  const scale = source.scale && { ...source.scale, name: scaleName(name) };
  return { info: { ...source, name, ...(scale ? { scale } : {}) }, sources: [source] };
}

/** The file with these tensors and no others. Scales are read by their tensor's new name. */
export function underNames<F extends TensorFile>(file: F, tensors: Iterable<Renamed>): F {
  const infos = new Map<string, TensorInfo>();
  const places = new Map<string, readonly TensorInfo[]>();
  for (const { info, sources } of tensors) {
    infos.set(info.name, info);
    places.set(info.name, sources);
    if (info.scale)
      places.set(
        info.scale.name,
        sources.flatMap(({ scale }) => scale ?? []),
      );
  }
  return {
    ...file,
    tensors: infos,
    read: async (name: string) => {
      const sources = places.get(name);
      if (!sources) throw new CheckpointError(`${file.name}: there is no tensor ${quoted(name)}`);
      if (sources.length === 1) return file.read(sources[0]!.name);
      const read = await Promise.all(sources.map((source) => file.read(source.name)));
      const whole = new Uint8Array(read.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const bytes of read) {
        whole.set(bytes, at);
        at += bytes.length;
      }
      return whole;
    },
  };
}
