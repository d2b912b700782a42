/** Every kernel by name: what tests, twins, the self-test and benchmarks fan out over. */
import { attention } from "./attention.ts";
import { attentionGradientKeyValue } from "./attentionGradientKeyValue.ts";
import { attentionGradientQuery } from "./attentionGradientQuery.ts";
import { attentionStatistics } from "./attentionStatistics.ts";
import { classEmbedding } from "./classEmbedding.ts";
import { convolutionBlocked } from "./convolutionBlocked.ts";
import { convolutionTiled } from "./convolutionTiled.ts";
import { featureDistance } from "./featureDistance.ts";
import { firstToken } from "./firstToken.ts";
import { firstTokenGradient } from "./firstTokenGradient.ts";
import { gaussianNoise } from "./gaussianNoise.ts";
import { groupNormAffine } from "./groupNormAffine.ts";
import { groupNormApply } from "./groupNormApply.ts";
import { groupNormGradientAffine } from "./groupNormGradientAffine.ts";
import { groupNormGradientApply } from "./groupNormGradientApply.ts";
import { groupNormGradientPartials } from "./groupNormGradientPartials.ts";
import { groupNormPartials } from "./groupNormPartials.ts";
import { insertZeros } from "./insertZeros.ts";
import { logSoftmaxGradient } from "./logSoftmaxGradient.ts";
import { maxPool } from "./maxPool.ts";
import { meanPool } from "./meanPool.ts";
import { poolTokens } from "./poolTokens.ts";
import { poolTokensGradient } from "./poolTokensGradient.ts";
import { relu } from "./relu.ts";
import { reluGradient } from "./reluGradient.ts";
import { renoise } from "./renoise.ts";
import { reverseStep } from "./reverseStep.ts";
import { spatialMean } from "./spatialMean.ts";
import { spatialMeanGradient } from "./spatialMeanGradient.ts";
import { timestepEmbedding } from "./timestepEmbedding.ts";
import { upsampleBilinear } from "./upsampleBilinear.ts";
import { upsampleNearest } from "./upsampleNearest.ts";
import { winogradInput } from "./winogradInput.ts";
import { winogradMultiply } from "./winogradMultiply.ts";
import { winogradOutput } from "./winogradOutput.ts";
import { winogradWeights } from "./winogradWeights.ts";

export const kernels = {
  attention,
  attentionGradientKeyValue,
  attentionGradientQuery,
  attentionStatistics,
  classEmbedding,
  convolutionBlocked,
  convolutionTiled,
  featureDistance,
  firstToken,
  firstTokenGradient,
  gaussianNoise,
  groupNormAffine,
  groupNormApply,
  groupNormGradientAffine,
  groupNormGradientApply,
  groupNormGradientPartials,
  groupNormPartials,
  insertZeros,
  logSoftmaxGradient,
  maxPool,
  meanPool,
  poolTokens,
  poolTokensGradient,
  relu,
  reluGradient,
  renoise,
  reverseStep,
  spatialMean,
  spatialMeanGradient,
  timestepEmbedding,
  upsampleBilinear,
  upsampleNearest,
  winogradInput,
  winogradMultiply,
  winogradOutput,
  winogradWeights,
} as const;
