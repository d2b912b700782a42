/** A twin for each kernel; a kernel without one does not compile. */
import type { kernels } from "../../src/shaders/index.ts";
import { attentionTiledTwin, attentionTwin } from "./attention.ts";
import {
  convolutionBlockedTwin,
  convolutionMatrixTwin,
  convolutionSumTwin,
  convolutionTiledTwin,
} from "./convolution.ts";
import { classEmbeddingTwin, timestepEmbeddingTwin } from "./embeddings.ts";
import { featureDistanceTwin, maxPoolTwin } from "./features.ts";
import { groupNormAffineTwin, groupNormApplyTwin, groupNormPartialsTwin, groupNormTwin } from "./groupNorm.ts";
import { meanPoolTwin, upsampleBilinearTwin, upsampleNearestTwin } from "./resample.ts";
import { gaussianNoiseTwin, langevinStepTwin, renoiseTwin, reverseStepTwin, watchFiniteTwin } from "./sampler.ts";
import {
  attentionGradientKeyValueTwin,
  attentionGradientQueryTwin,
  attentionStatisticsTwin,
} from "./attentionGradient.ts";
import {
  groupNormGradientAffineTwin,
  groupNormGradientApplyTwin,
  groupNormGradientPartialsTwin,
} from "./groupNormGradient.ts";
import {
  firstTokenTwin,
  firstTokenGradientTwin,
  insertZerosTwin,
  logSoftmaxGradientTwin,
  poolTokensTwin,
  poolTokensGradientTwin,
  reluTwin,
  reluGradientTwin,
  spatialMeanTwin,
  spatialMeanGradientTwin,
} from "./heads.ts";
import { gatherTilesTwin, mergeTilesTwin } from "./tiles.ts";
import type { TwinOf } from "./twin.ts";
import { winogradInputTwin, winogradMultiplyTwin, winogradOutputTwin, winogradWeightsTwin } from "./winograd.ts";

export const twins: { readonly [Name in keyof typeof kernels]: TwinOf<(typeof kernels)[Name]> } = {
  attention: attentionTwin,
  attentionTiled: attentionTiledTwin,
  attentionGradientKeyValue: attentionGradientKeyValueTwin,
  attentionGradientQuery: attentionGradientQueryTwin,
  attentionStatistics: attentionStatisticsTwin,
  classEmbedding: classEmbeddingTwin,
  convolutionBlocked: convolutionBlockedTwin,
  convolutionSum: convolutionSumTwin,
  convolutionMatrix: convolutionMatrixTwin,
  convolutionTiled: convolutionTiledTwin,
  featureDistance: featureDistanceTwin,
  firstToken: firstTokenTwin,
  firstTokenGradient: firstTokenGradientTwin,
  gatherTiles: gatherTilesTwin,
  gaussianNoise: gaussianNoiseTwin,
  groupNorm: groupNormTwin,
  groupNormAffine: groupNormAffineTwin,
  groupNormApply: groupNormApplyTwin,
  groupNormGradientAffine: groupNormGradientAffineTwin,
  groupNormGradientApply: groupNormGradientApplyTwin,
  groupNormGradientPartials: groupNormGradientPartialsTwin,
  groupNormPartials: groupNormPartialsTwin,
  insertZeros: insertZerosTwin,
  langevinStep: langevinStepTwin,
  logSoftmaxGradient: logSoftmaxGradientTwin,
  maxPool: maxPoolTwin,
  meanPool: meanPoolTwin,
  mergeTiles: mergeTilesTwin,
  poolTokens: poolTokensTwin,
  poolTokensGradient: poolTokensGradientTwin,
  relu: reluTwin,
  reluGradient: reluGradientTwin,
  renoise: renoiseTwin,
  reverseStep: reverseStepTwin,
  spatialMean: spatialMeanTwin,
  spatialMeanGradient: spatialMeanGradientTwin,
  timestepEmbedding: timestepEmbeddingTwin,
  upsampleBilinear: upsampleBilinearTwin,
  upsampleNearest: upsampleNearestTwin,
  watchFinite: watchFiniteTwin,
  winogradInput: winogradInputTwin,
  winogradMultiply: winogradMultiplyTwin,
  winogradOutput: winogradOutputTwin,
  winogradWeights: winogradWeightsTwin,
};
