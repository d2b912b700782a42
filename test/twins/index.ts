/** A twin for each kernel; a kernel without one does not compile. */
import type { kernels } from "../../src/shaders/index.ts";
import { attentionTwin } from "./attention.ts";
import { convolutionBlockedTwin, convolutionTiledTwin } from "./convolution.ts";
import { classEmbeddingTwin, timestepEmbeddingTwin } from "./embeddings.ts";
import { groupNormAffineTwin, groupNormApplyTwin, groupNormPartialsTwin } from "./groupNorm.ts";
import { meanPoolTwin, upsampleBilinearTwin, upsampleNearestTwin } from "./resample.ts";
import { gaussianNoiseTwin, renoiseTwin, reverseStepTwin } from "./sampler.ts";
import type { TwinOf } from "./twin.ts";
import { winogradInputTwin, winogradMultiplyTwin, winogradOutputTwin, winogradWeightsTwin } from "./winograd.ts";

export const twins: { readonly [Name in keyof typeof kernels]: TwinOf<(typeof kernels)[Name]> } = {
  attention: attentionTwin,
  classEmbedding: classEmbeddingTwin,
  convolutionBlocked: convolutionBlockedTwin,
  convolutionTiled: convolutionTiledTwin,
  gaussianNoise: gaussianNoiseTwin,
  groupNormAffine: groupNormAffineTwin,
  groupNormApply: groupNormApplyTwin,
  groupNormPartials: groupNormPartialsTwin,
  meanPool: meanPoolTwin,
  renoise: renoiseTwin,
  reverseStep: reverseStepTwin,
  timestepEmbedding: timestepEmbeddingTwin,
  upsampleBilinear: upsampleBilinearTwin,
  upsampleNearest: upsampleNearestTwin,
  winogradInput: winogradInputTwin,
  winogradMultiply: winogradMultiplyTwin,
  winogradOutput: winogradOutputTwin,
  winogradWeights: winogradWeightsTwin,
};
