/**
 * The tensors of LPIPS in the files that people have: one file with torchvision's names for the trunk and
 * `lin{k}.model.1.weight` for the heads, the two published files (AlexNet's with its classifier, the heads'), or a
 * whole lpips module's state dict. Not here: reading bytes.
 */
import { CheckpointError } from "../errors.ts";
import { quoted } from "../text/quoted.ts";
import { readFloat32 } from "../files/safetensors.ts";
import type { ReadTensor } from "../unet/weights.ts";
import { headName, trunk } from "./lpipsNetwork.ts";
import type { TensorFile } from "../files/tensorFile.ts";

/** Shapes by the names that `lpipsNetwork.ts` asks for. */
const expected: ReadonlyMap<string, readonly number[]> = new Map(
  trunk.flatMap(({ name, kernel, in: input, out }, index): [string, readonly number[]][] => [
    [`${name}.weight`, [out, input, kernel, kernel]],
    [`${name}.bias`, [out]],
    [headName(index), [1, out, 1, 1]],
  ]),
);

/** Our name of a tensor: prefixes of wrappers go, and the module's own numbering by slices becomes torchvision's. */
function ownName(name: string): string {
  return name
    .replace(/^module\./, "")
    .replace(/^net\.slice\d+\.(\d+)\./, "features.$1.")
    .replace(/^(net|alexnet|trunk)\.(?=features\.)/, "")
    .replace(/^lins\.(\d+)\./, "lin$1.");
}

/**
 * Finds trunk and heads in one file or several. Tensors that LPIPS does not use (AlexNet's classifier) are left alone.
 * @throws CheckpointError, in one line, for weights of another network, and where trunk or heads are missing
 */
export function lpipsReader(files: readonly TensorFile[]): ReadTensor {
  const found = new Map<string, { file: TensorFile; name: string }>();
  for (const file of files)
    for (const name of file.tensors.keys()) {
      const own = ownName(name);
      // In a module's state dict the heads stand twice; the same in two files is a choice that we cannot make.
      const other = found.get(own);
      if (other && other.file !== file && expected.has(own))
        throw new CheckpointError(`LPIPS: both ${other.file.name} and ${file.name} have ${own}: give one of them`);
      if (!other) found.set(own, { file, name });
    }
  const where = files.map(({ name }) => name).join(" and ");
  const foreign = describeForeign(found);
  if (foreign) throw new CheckpointError(`${where}: expected LPIPS weights over AlexNet, but ${foreign}`);
  const missing = [...expected.keys()].filter((name) => !found.has(name));
  const lacks = (prefix: string) => missing.some((name) => name.startsWith(prefix));
  if (missing.length > 0) {
    const half =
      missing.length < expected.size && lacks("features.") !== lacks("lin")
        ? `; ${lacks("lin") ? "the heads (lin0 … lin4)" : "AlexNet's trunk (features.*)"} may lie in a file of their own: give it with a second --lpips`
        : "";
    throw new CheckpointError(
      `${where}: expected LPIPS weights over AlexNet, but ${missing.length} of ${expected.size} tensors are missing, the first is ${missing[0]}${half}`,
    );
  }
  for (const [name, shape] of expected) {
    const { file, name: own } = found.get(name)!;
    const got = file.tensors.get(own)!.shape;
    if (shape.length !== got.length || shape.some((size, i) => size !== got[i]))
      throw new CheckpointError(
        `${file.name}: expected LPIPS weights over AlexNet, where ${name} is [${shape.join(", ")}], got [${got.slice(0, 8).join(", ")}]: they are of another network`,
      );
  }
  return (name) => {
    const { file, name: own } = found.get(name)!;
    return readFloat32(file, own);
  };
}

/** What the names say of a network that is not ours; undefined where they do not. */
function describeForeign(found: ReadonlyMap<string, { file: TensorFile; name: string }>): string | undefined {
  const first = (pattern: RegExp) => [...found.keys()].find((name) => pattern.test(name));
  if (first(/^lin5\./)) return "there is a lin5: these are the heads of SqueezeNet; use AlexNet's";
  if (first(/^features\.\d+\.squeeze\./)) return "this is SqueezeNet; use AlexNet";
  if (first(/^features\.(2|5|7|12|14|17|19|21|24|26|28)\.(weight|bias)$/)) return "this is VGG; use AlexNet";
  const unet = first(/^(input_blocks|output_blocks|time_embed|down_blocks)\./);
  if (unet) return `this is a diffusion network (it has ${quoted(unet)})`;
  if (found.size === 0) return "there are no tensors";
  if (!first(/^(features|lin\d+)\./)) {
    const names = [...found.keys()].slice(0, 3).map(quoted).join(", ");
    return `this is something else: its tensors are ${names}${found.size > 3 ? ", …" : ""}`;
  }
  return undefined;
}
