/**
 * Finds the network's tensors in what a pickle holds: a state dict alone, or inside dicts and lists of whatever names
 * (model, state_dict, ema, params …). Not here: how values are read (pickle.ts), what the tensors mean (infer.ts).
 */
import { quoted } from "../../text/quoted.ts";
import type { Fail } from "./reader.ts";
import { Inert, kindOf, Tensor } from "./values.ts";

export interface StateDict {
  /** In the file's order, without the prefixes that wrappers add. */
  readonly tensors: Map<string, Tensor>;
  /** Where the state dict was found and what else could have been meant, in words; empty for a state dict alone. */
  readonly assumed: string[];
  /** Where it was found ("" at the top level), and where others as large as networks are. */
  readonly place: { readonly path: string; readonly others: readonly string[] };
}

interface Candidate {
  readonly path: string;
  readonly dict: Map<unknown, unknown>;
  readonly tensors: number;
}

/** Deeper than any wrapper nests. */
const maxDepth = 5;
const maxListed = 5;
/** What is in no dict and no module. */
export const topLevel = "its top level";
/** Keys whose tensors are a training run's, not a network's. */
const trainingKey =
  /^(optim|opt$|opt_|lr_?sched|sched|scaler|grad_scaler|amp|rng|loops$|callbacks$)|_(optimizer|scheduler|scaler)s?$/i;
/** Of a network's weights and their average over training, the name tells which. */
const averaged = /(^|[^a-z])(ema|swa|averaged?|avg)([^a-z]|$)/i;
export const isAveraged = (name: string): boolean => averaged.test(name);

/** Prefixes of wrappers, which carry no meaning; others are the checkpoint's (src/checkpoints/wrapped.ts). */
const wrapper = /^(module|_orig_mod)\./;

/**
 * Of several state dicts, those with at least half as many tensors as the largest are considered; the first under a
 * name with "ema" is taken, since averaged weights are the ones to sample from, then the largest, then the first. Or
 * the one that is called `network`, or has a module of that name.
 */
export function findStateDict(value: unknown, fail: Fail, network?: string): StateDict {
  if (value instanceof Inert) {
    return fail(`it holds a whole object of ${quoted(value.className)}; load it in PyTorch and save its state_dict()`);
  }
  const candidates = findCandidates(value);
  const most = candidates.reduce((most, { tensors }) => Math.max(most, tensors), 0);
  const large = candidates.filter(({ tensors }) => 2 * tensors >= most);
  const named = network === undefined ? undefined : findNamed(candidates, network);
  const chosen = named ?? large.find(({ path }) => isAveraged(path)) ?? large.find(({ tensors }) => tensors === most);
  if (!chosen) return fail(`expected a state dict (names and tensors), but it holds ${describe(value)}`);
  const others = large.filter((candidate) => candidate !== chosen).map(({ path }) => path);
  const also = others.slice(0, maxListed).map(showPath).join(", ") + (others.length > maxListed ? ", …" : "");
  const from = `weights from ${showPath(chosen.path)}`;
  return {
    tensors: unwrapNames(collect(chosen, fail)),
    assumed: others.length === 0 || named ? [] : [`${from} (the file also has ${also})`],
    place: {
      path: chosen.path,
      // A dict with a network and its average has twice as many tensors as the network alone beside it.
      others: candidates.filter((other) => other !== chosen && 4 * other.tensors >= most).map(({ path }) => path),
    },
  };
}

/** By its own path or the end of one; else the first with tensors of a module of this name. */
function findNamed(candidates: readonly Candidate[], network: string): Candidate | undefined {
  const has = ({ path, dict }: Candidate) =>
    [...dict.keys()].some((key) => typeof key === "string" && `.${path}.${key}`.includes(`.${network}.`));
  return candidates.find(({ path }) => `.${path}`.endsWith(`.${network}`)) ?? candidates.find(has);
}

function findCandidates(root: unknown): Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown, path: string, depth: number) => {
    if (depth > maxDepth || seen.has(value)) return;
    if (Array.isArray(value)) {
      seen.add(value);
      // (epoch, state dict) and the like; long lists are parameters without names.
      if (value.length <= 16) value.forEach((item, i) => visit(item, `${path}[${i}]`, depth + 1));
      return;
    }
    if (!(value instanceof Map)) return;
    seen.add(value);
    if (isOptimizer(value)) return;
    let tensors = 0;
    for (const [key, item] of value) if (typeof key === "string" && item instanceof Tensor) tensors++;
    if (tensors > 0) found.push({ path, dict: value, tensors });
    for (const [key, item] of value) {
      if (typeof key !== "string" || trainingKey.test(key)) continue;
      visit(item, path === "" ? key : `${path}.${key}`, depth + 1);
    }
  };
  visit(root, "", 0);
  return found;
}

function isOptimizer(dict: Map<unknown, unknown>): boolean {
  return dict.has("state") && dict.has("param_groups");
}

function collect({ path, dict }: Candidate, fail: Fail): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, item] of dict) {
    if (item instanceof Tensor && typeof name === "string") tensors.set(name, item);
    else if (item instanceof Inert && typeof name === "string" && name.includes(".")) {
      fail(`state dict ${showPath(path)}: expected ${quoted(name)} to be a tensor, got ${kindOf(item)}`);
    }
  }
  return tensors;
}

/** Prefixes go only if every name has the same one. */
function unwrapNames(tensors: Map<string, Tensor>): Map<string, Tensor> {
  let names = [...tensors.keys()];
  for (let layer = 0; layer < maxDepth; layer++) {
    const prefix = wrapper.exec(names[0] ?? "")?.[0];
    if (prefix === undefined || !names.every((name) => name.startsWith(prefix) && name.length > prefix.length)) break;
    names = names.map((name) => name.slice(prefix.length));
  }
  return new Map([...tensors.values()].map((tensor, i) => [names[i]!, tensor]));
}

function showPath(path: string): string {
  return path === "" ? topLevel : quoted(path);
}

function describe(value: unknown): string {
  if (!(value instanceof Map)) return kindOf(value);
  if (isOptimizer(value)) {
    return "an optimizer's state (guided-diffusion's opt*.pt); give the model's file (model*.pt or ema_*.pt)";
  }
  const keys = [...value.keys()]
    .slice(0, maxListed)
    .map((key) => (typeof key === "string" ? quoted(key) : kindOf(key)));
  if (keys.length === 0) return "an empty dict";
  const remedy = instead(value);
  if (remedy) return remedy;
  return `a dict of ${keys.join(", ")}${value.size > maxListed ? ", …" : ""} without one`;
}

/** What people save in a state dict's place, by the first such value in the dict, with what to do. */
function instead(dict: Map<unknown, unknown>): string | undefined {
  for (const [key, value] of dict) {
    const name = typeof key === "string" ? quoted(key) : kindOf(key);
    if (value instanceof Inert && isArray.test(value.className)) return `NumPy arrays (${name}); save them as tensors`;
    if (value instanceof Inert && isNetwork.test(name))
      return `a whole object of ${quoted(value.className)} (${name}); save its state_dict()`;
    if (key === "shadow_params") return `averages without names (${name}); copy_to the model and save its state_dict()`;
  }
  return undefined;
}

const isArray = /^numpy\..*(_reconstruct|ndarray)/;
const isNetwork = /model|net|module|generator|ema/i;
