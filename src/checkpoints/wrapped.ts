/**
 * Networks inside what training programs save around them: under a prefix (module., model.diffusion_model., any one
 * that leaves a known network behind it), several in one file, beside buffers, losses and other networks. Loaded only
 * for files whose names are not a network's alone. Not here: dicts inside of pickles (src/files/pytorch/stateDict.ts).
 */
import type { OpenTensors } from "../files/open.ts";
import { isAveraged, topLevel } from "../files/pytorch/stateDict.ts";
import { renamed, type Renamed, underNames } from "../files/renamed.ts";
import type { TensorInfo } from "../files/tensorFile.ts";
import { quoted } from "../text/quoted.ts";
import { type FileKind, latentNames, networkNames, recognise } from "./recognise.ts";

interface Network {
  /** In words. */
  readonly name: string;
  readonly kind: FileKind;
  readonly tensors: readonly Renamed[];
}

interface PrefixedNetwork extends Network {
  readonly prefix: string;
}

/** Every network has tensors of this form; before them stands its prefix. */
const blockNames = /^(|.*?\.)(?:input_blocks|output_blocks|down_blocks|up_blocks)\.\d+\./;

/** What schedules and training leave beside a network, which no network of ours computes with. */
const buffers =
  /^(betas|alphas\w*|sqrt_\w+|log_\w+|posterior_\w+|lvlb_weights|logvar|loss_weight|p2_loss_weight|sigmas|snr|initted|step|global_step|epoch|decay|num_updates|n_averaged)$/;
const modulesBeside = /^(lpips|perceptual|discriminator|criterion|optimi[sz]er|encoder$|inception|fid$)|loss/;

const mostListed = 4;
/** More than any program saves together. */
const mostNetworks = 16;

/**
 * The network of a file under its plain names. Of several the averaged one is taken, then the largest, then the first;
 * `assumed` says so, and what was left out. A file without one, and one of a latent diffusion model, stay as they are.
 * Or the one that is called `wantedName`: @throws CheckpointError that lists the names where there is none
 */
export async function plainNetwork(file: OpenTensors, wantedName?: string): Promise<OpenTensors> {
  const names = [...file.tensors.keys()];
  if (names.some((name) => latentNames.test(name))) return file;
  const named = networksByPrefix(file);
  const all = [...named, ...named.flatMap((network) => averagedWithoutDots(file, network))];
  // A classifier may stand beside the network that it guides.
  const wanted = all.some(({ kind }) => kind !== "classifier") ? all.filter(({ kind }) => kind !== "classifier") : all;
  const most = Math.max(0, ...wanted.map(({ tensors }) => tensors.length));
  const large = wanted.filter(({ tensors }) => 2 * tensors.length >= most);
  const asked =
    wantedName === undefined ? undefined : (await import("./networkNamed.ts")).networkNamed(file, all, wantedName);
  const chosen =
    asked ?? large.find(({ name }) => isAveraged(name)) ?? large.find(({ tensors }) => tensors.length === most);
  if (!chosen) return file;
  const taken = new Set(all.flatMap(({ tensors }) => tensors.flatMap(({ sources }) => sources)));
  const left = [...file.tensors.values()].filter((info) => !taken.has(info)).map(({ name }) => name);
  const others = all.filter((network) => network !== chosen).map(({ name }) => quoted(name));
  const said = [
    ...(others.length > 0 && !asked
      ? [`weights from ${quoted(chosen.name)} (the file also has ${listed(others)})`]
      : []),
    ...(left.length > 0 ? [`${left.length} of its tensors left out (${listed(rootsOf(left))})`] : []),
  ];
  return { ...underNames(file, chosen.tensors), assumed: [...file.assumed, ...said] };
}

function networksByPrefix(file: OpenTensors): PrefixedNetwork[] {
  const votes = new Map<string, number>();
  for (const name of file.tensors.keys()) {
    const prefix = blockNames.exec(name)?.[1];
    if (prefix !== undefined) votes.set(prefix, (votes.get(prefix) ?? 0) + 1);
  }
  const largest = [...votes].sort(([, a], [, b]) => b - a).slice(0, mostNetworks);
  const prefixes = largest.map(([prefix]) => prefix);
  return prefixes.flatMap((prefix) => {
    const inner = prefixes.filter((other) => other.length > prefix.length && other.startsWith(prefix));
    const tensors: Renamed[] = [];
    for (const [name, info] of file.tensors) {
      if (!name.startsWith(prefix) || inner.some((other) => name.startsWith(other))) continue;
      const plain = name.slice(prefix.length);
      if (!isBeside(plain, info)) tensors.push(renamed(plain, info));
    }
    const kind = recognise({
      metadata: prefix === "" ? file.metadata : new Map(),
      tensors: new Map(tensors.map(({ info }) => [info.name, info])),
    });
    if (kind === "other") return [];
    return [{ prefix, name: prefix === "" ? topLevel : prefix.slice(0, -1), kind, tensors }];
  });
}

/**
 * Tensors behind a prefix that are known not to be the network's: others that do not belong to it stay, and are an
 * error.
 */
function isBeside(plain: string, { shape }: TensorInfo): boolean {
  if (networkNames.test(plain)) return false;
  const dot = plain.indexOf(".");
  if (dot === -1) return buffers.test(plain) || shape.includes(0);
  const module = plain.slice(0, dot);
  return modulesBeside.test(module) || isAveraged(module);
}

/**
 * latent-diffusion's LitEma, which keeps averages under the names of its module's parameters without their dots:
 * model_ema.diffusion_modelinput_blocks00weight.
 */
function averagedWithoutDots(file: OpenTensors, { prefix, kind, tensors }: PrefixedNetwork): Network[] {
  const modules = new Map<string, Map<string, TensorInfo>>();
  for (const [name, info] of file.tensors) {
    const dot = name.lastIndexOf(".");
    const module = name.slice(0, Math.max(0, dot));
    if (!isAveraged(module)) continue;
    const averages = modules.get(module) ?? new Map<string, TensorInfo>();
    modules.set(module, averages.set(name.slice(dot + 1), info));
  }
  const parts = prefix.split(".").slice(0, -1);
  // The module that is averaged may be any one around the network.
  const around = [...parts.map((_, i) => parts.slice(i).join("")), ""];
  return [...modules].slice(0, mostNetworks).flatMap(([module, averages]) =>
    around.flatMap((start) => {
      const found = tensors.flatMap(({ info }): Renamed[] => {
        const average = averages.get(start + info.name.replaceAll(".", ""));
        return average?.shape.join() === info.shape.join() ? [renamed(info.name, average)] : [];
      });
      return found.length > 0 && found.length === tensors.length ? [{ name: module, kind, tensors: found }] : [];
    }),
  );
}

/** "lpips.*", once for each module. */
function rootsOf(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => quoted(name.includes(".") ? `${name.split(".", 1)[0]}.*` : name)))];
}

function listed(items: readonly string[]): string {
  return items.slice(0, mostListed).join(", ") + (items.length > mostListed ? ", …" : "");
}
