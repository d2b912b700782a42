/**
 * `repaint-webgpu/bench`: what times a kernel on shapes of one's own, and the whole benchmark. Runs in pages and in
 * Node alike. Not here: the program (src/cli/commands/bench.ts) and its reports (report.ts).
 */
export {
  benchCases,
  convolutionCase,
  dispatchCase,
  type BenchCase,
  type CaseOptions,
  type OwnCase,
  type Twin,
} from "./cases.ts";
export { benchKernels, type KernelOptions } from "./kernels.ts";
export { measurePeak, type Peak } from "./peak.ts";
export { compareResults, parseResult, resultFormat, type BenchResult, type KernelRow, type Ratio } from "./result.ts";
export { failures, runSuite, type SuiteOptions, type SuiteProgress } from "./suite.ts";
export type { TwinOf } from "../test/twins/twin.ts";
