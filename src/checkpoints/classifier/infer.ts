/**
 * A classifier's configuration from the names and shapes of its tensors: of all pooling heads and divisions into levels
 * the one that explains them. Not here: what one division means (infer.ts, votes.ts).
 */
import { CheckpointError } from "../../errors.ts";
import { buildArchitecture } from "../architecture.ts";
import { type ClassifierConfig, pools, type UNetConfig } from "../config.ts";
import { explain, TensorMismatchError } from "../infer.ts";
import { headNames } from "../names.ts";
import { readClassifierNames, type TensorShapes } from "../votes.ts";

/**
 * The same of a classifier's state dict: of all heads and divisions into levels, the one that explains the tensors.
 * @throws CheckpointError, too, where several do and no flag decides
 */
export function inferClassifier(
  tensors: TensorShapes,
  flags: Partial<UNetConfig> = {},
  file = "checkpoint",
): ClassifierConfig {
  const explained: { config: ClassifierConfig; problems: string[] }[] = [];
  let failure: unknown = new CheckpointError(`${file}: expected the tensors of a guided-diffusion classifier`);
  for (const pool of pools)
    for (const found of readClassifierNames(tensors, headNames[pool].logits)) {
      const tokens = tensors.get(headNames.attention.position)?.shape[1] ?? 0;
      const side = Math.sqrt(tokens - 1) * 2 ** (found.widths.length - 1);
      const imageSize = pool === "attention" && Number.isInteger(side) ? { imageSize: side } : {};
      try {
        const { config, problems } = explain(found, tensors, { ...imageSize, ...flags, superRes: false, pool }, file);
        const contradiction = `flag pool ${JSON.stringify(flags.pool)} contradicts the tensors of out.*, which mean "${pool}"`;
        if (flags.pool !== undefined && flags.pool !== pool) problems.unshift(contradiction);
        explained.push({ config: { ...config, pool }, problems });
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        failure = error;
      }
    }
  const fewest = Math.min(...explained.map(({ problems }) => problems.length));
  const nearest = explained.filter(({ problems }) => problems.length === fewest);
  // Flags make one network of several divisions.
  const networkOf = ({ config }: { config: ClassifierConfig }) =>
    fewest === 0 ? JSON.stringify([buildArchitecture(config).input, config.pool]) : "";
  const best = [...new Map(nearest.toReversed().map((one) => [networkOf(one), one])).values()].toReversed();
  if (best.length === 0) throw failure;
  if (fewest > 0) throw new TensorMismatchError(file, best[0]!.problems);
  if (best.length === 1) return best[0]!.config;
  const choices = best.map(({ config: { channelMult, numResBlocks, resblockUpdown } }) =>
    JSON.stringify({ channel_mult: channelMult, num_res_blocks: numResBlocks, resblock_updown: resblockUpdown }),
  );
  throw new CheckpointError(
    `${file}: its tensors fit several classifiers; give one of these as flags: ${choices.join(" or ")}`,
  );
}
