/** A checkpoint of either kind, a UNet or a classifier, for the commands that take both. Not here: what they do with it. */
import { type Checkpoint, openCheckpoint } from "../../checkpoints/checkpoint.ts";
import { type ClassifierCheckpoint, openClassifier } from "../../checkpoints/classifier/checkpoint.ts";
import type { Context } from "../context.ts";
import { byFlagName } from "./flagWords.ts";
import { type ModelSettings, type OpenWeights, withWeights } from "./model.ts";
import { configBeside } from "./weightsFile.ts";
import { openTensors } from "../../files/open.ts";
import { recognise } from "../../checkpoints/recognise.ts";

export type Network = Checkpoint | ClassifierCheckpoint;

/** Opens it for the time of `body`. What is no classifier is taken for a UNet. */
export function withNetwork<T>(
  context: Context,
  { weights, flags }: ModelSettings,
  body: (network: Network, opened: OpenWeights) => Promise<T>,
): Promise<T> {
  const open = async (opened: OpenWeights): Promise<T> => {
    const { source, path } = opened;
    const file = await openTensors(source);
    const network =
      recognise(file) === "classifier"
        ? await openClassifier(file, flags)
        : await openCheckpoint(file, flags, () => configBeside(path, context));
    return body(network, opened);
  };
  return withWeights(context, weights, open, "");
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
