/**
 * What a path of a model leads to: a file, a folder as diffusers' save_pretrained and from_pretrained know it, or the
 * index of a checkpoint in parts. Not here: what is in the files (src/files), addresses (src/sources).
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { isShardIndex, openShards } from "../files/shards.ts";
import { asInputError } from "./files.ts";
import { type FileSource, openFileSource } from "./fileSource.ts";

/** The weights of a model; `name` is the path of their file, or of their index. */
export interface ModelFile extends FileSource {
  /** The JSON file of this name relative to the weights; undefined where there is none. */
  jsonBeside(name: string): Promise<unknown>;
}

/** Nobody's configuration, or index, is longer. */
const mostJsonBytes = 2 ** 24;
const mostListed = 5;

/** @throws InputError where there are no weights, or several, CheckpointError for parts that do not belong together */
export async function openModelFile(path: string): Promise<ModelFile> {
  const weights = await weightsAt(path);
  await refuseLatent(dirname(weights));
  const source = isShardIndex(weights)
    ? await openShards(weights, await readJson(weights), (part) => openFileSource(join(dirname(weights), part)))
    : await openFileSource(weights);
  return {
    name: source.name,
    size: source.size,
    read: (offset, length) => source.read(offset, length),
    close: () => source.close(),
    jsonBeside: (name) => readJson(join(dirname(weights), name)),
  };
}

/** The file of weights that a path means: itself, the one of its folder, or the index of the parts it belongs to. */
async function weightsAt(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return weightsIn(path);
  if (!found) return path;
  const name = basename(path);
  if (name === "model_index.json" || name === "config.json") return weightsIn(dirname(path));
  const whole = name.replace(/-\d{5}-of-\d{5}(?=\.safetensors$)/, "");
  const index = join(dirname(path), `${whole}.index.json`);
  return whole !== name && (await stat(index).catch(() => undefined)) ? index : path;
}

async function weightsIn(folder: string): Promise<string> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw asInputError(error, `cannot read ${folder}`);
  });
  const weights = names.filter((name) => isWeights.test(name) && !isOther.test(name)).sort();
  for (const standard of standardNames) if (weights.includes(standard)) return join(folder, standard);
  // A pipeline, or what diffusers' training leaves: of a network and its average, the average.
  const unet = ["unet_ema", "unet"].find((name) => names.includes(name));
  if (weights.length === 0 && unet) return weightsIn(join(folder, unet));
  const indexes = weights.filter(isShardIndex);
  const whole = weights.filter((name) => isShardIndex(name) || !/-\d{5}-of-\d{5}\./.test(name));
  const candidates = indexes.length === 1 && whole.length === 1 ? indexes : whole;
  if (candidates.length === 1) return join(folder, candidates[0]!);
  if (candidates.length > 1)
    throw new InputError(`${folder}: it is a folder with several checkpoints: give one of ${listed(candidates)}`);
  const what = weights.length > 0 ? "parts of a checkpoint, but not their index" : "no weights";
  throw new InputError(
    `${folder}: it is a folder with ${what}: expected ${standardNames[0]} (diffusers), or one .safetensors, .pt, .pth, .ckpt or .bin file`,
  );
}

/** @throws InputError where the folder is a pipeline's, or in one, whose network paints what another one decodes */
async function refuseLatent(folder: string): Promise<void> {
  for (const place of [folder, dirname(folder)]) {
    const pipeline: unknown = Object(await readJson(join(place, "model_index.json")));
    const decoder = ["vae", "vqvae", "movq"].find((name) => Object.hasOwn(pipeline as object, name));
    if (decoder)
      throw new InputError(
        `${place} is a latent diffusion model (its model_index.json names a ${decoder}); only pixel-space networks are supported`,
      );
  }
}

const isWeights = /\.(safetensors|pt|pth|ckpt|bin)(\.index\.json)?$/i;
/** What training leaves beside the weights. */
const isOther = /^(opt|optimizer|scheduler|scaler|random_states|rng_state|training_args)/i;
/** In the order in which diffusers looks for them. */
const standardNames = ["safetensors", "safetensors.index.json", "bin", "bin.index.json"].map(
  (end) => `diffusion_pytorch_model.${end}`,
);

function listed(names: readonly string[]): string {
  return names.slice(0, mostListed).join(", ") + (names.length > mostListed ? ", …" : "");
}

async function readJson(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > mostJsonBytes) return undefined;
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch {
    // No such file, or somebody else's: the checkpoint itself says what it lacks.
    return undefined;
  }
}
