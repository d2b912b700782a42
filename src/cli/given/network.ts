/**
 * A checkpoint of either kind, a UNet or a classifier, for the commands that take both. Not here: what they do with it.
 */
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import { type ClassifierCheckpoint, openClassifier } from "../../checkpoints/classifier/checkpoint.ts";
import type { Context } from "../context.ts";
import { byFlagName } from "./flagWords.ts";
import { checkpointIn, type OpenWeights, withWeights } from "./model.ts";
import type { OpenTensors } from "../../files/open.ts";
import { openNetwork } from "../../checkpoints/openNetwork.ts";
import { recognise } from "../../checkpoints/recognise.ts";

export type Network = Checkpoint | ClassifierCheckpoint;

/** A file of weights whose header is read. */
export interface OpenFile extends OpenWeights {
  /** Under plain names of its own layout, where the network's file has guided-diffusion's. */
  readonly file: OpenTensors;
}

/** Opens a file that is named by an argument of its own, for the time of `body`; `network` as of `openNetwork`. */
export function withFile<T>(
  context: Context,
  weights: string | undefined,
  body: (opened: OpenFile) => Promise<T>,
  network?: string,
): Promise<T> {
  return withWeights(
    context,
    weights,
    async (opened) => body({ ...opened, file: await openNetwork(opened.source, network) }),
    "",
  );
}

/** The network in a file. What is no classifier is taken for a UNet. @throws as `openCheckpoint` */
export function networkIn(opened: OpenFile, flags: unknown): Promise<Network> {
  const { file } = opened;
  if (recognise(file) === "classifier") return openClassifier(file, flags);
  return checkpointIn(opened, flags, file);
}

export function isClassifier(network: Network): network is ClassifierCheckpoint {
  return network.architecture.head.kind !== "image";
}

/** In the constructor's words; of a classifier without those that a UNet alone has. */
export function flagsOf(network: Network): Record<string, unknown> {
  const flags = byFlagName(network.config);
  if (!isClassifier(network)) return flags;
  const { num_classes: _, super_res: __, num_heads_upsample: ___, ...own } = flags;
  return own;
}
