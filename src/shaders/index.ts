/** Every kernel by name: what tests, twins, the self-test and benchmarks fan out over. */
import { attention } from "./attention.ts";
import { classEmbedding } from "./classEmbedding.ts";
import { convolutionBlocked } from "./convolutionBlocked.ts";
import { convolutionTiled } from "./convolutionTiled.ts";
import { gaussianNoise } from "./gaussianNoise.ts";
import { groupNormAffine } from "./groupNormAffine.ts";
import { groupNormApply } from "./groupNormApply.ts";
import { groupNormPartials } from "./groupNormPartials.ts";
import { meanPool } from "./meanPool.ts";
import { renoise } from "./renoise.ts";
import { reverseStep } from "./reverseStep.ts";
import { timestepEmbedding } from "./timestepEmbedding.ts";
import { upsampleBilinear } from "./upsampleBilinear.ts";
import { upsampleNearest } from "./upsampleNearest.ts";
import { winogradInput } from "./winogradInput.ts";
import { winogradMultiply } from "./winogradMultiply.ts";
import { winogradOutput } from "./winogradOutput.ts";
import { winogradWeights } from "./winogradWeights.ts";

export const kernels = {
  attention,
  classEmbedding,
  convolutionBlocked,
  convolutionTiled,
  gaussianNoise,
  groupNormAffine,
  groupNormApply,
  groupNormPartials,
  meanPool,
  renoise,
  reverseStep,
  timestepEmbedding,
  upsampleBilinear,
  upsampleNearest,
  winogradInput,
  winogradMultiply,
  winogradOutput,
  winogradWeights,
} as const;
