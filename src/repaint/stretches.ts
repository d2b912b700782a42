/**
 * A run over pictures as what is done one after the other: batches of crops at the network's size, and what goes on
 * from them beyond it. Not here: doing it (inpaintJobs.ts), how a crop goes on (refine.ts).
 */
import { InputError } from "../errors.ts";
import { fromModelRange, type Picture } from "../pictures/image.ts";
import { cropJobs, hasHole, inBatches, knownOf, requireStarts, startOf, type Crop } from "./crops.ts";
import { readDetail, type Job } from "./given.ts";
import { requireScale } from "./guidance.ts";
import type { InpaintOptions } from "./inpaintOptions.ts";
import type { Networks } from "./loaded.ts";
import type { Refinement } from "./refine.ts";
import type { Results } from "./results.ts";
import { samplingCalls, type Sampling } from "./sampling.ts";
import type { CommonOptions, Stretch } from "./stretch.ts";

/** What was asked for, on the networks that are loaded now, and where its pictures are kept. */
interface Run {
  readonly jobs: readonly Job[];
  /** `sampling`: resolved. */
  readonly options: InpaintOptions & { readonly sampling: Sampling };
  readonly results: Results;
  readonly networks: Networks;
}

/** @throws InputError for what cannot be run */
export async function planStretches(run: Run): Promise<Stretch[]> {
  const { jobs, options, results, networks } = run;
  const { inChannels, imageSize } = networks.unet.checkpoint.config;
  if (inChannels !== 3) throw new InputError(`pictures have 3 channels and this network takes ${inChannels}`);
  checkGuidance(run);
  requireStarts(jobs, options.sampling);
  const crops = cropJobs(jobs, imageSize, options.region);
  const batches = inBatches(crops.filter(hasHole), imagesAtOnce(run));
  const finer = await refinementsOf(crops, run);
  results.expect(crops.filter((crop) => hasHole(crop) || finer.has(crop)));
  results.pasteSurroundings(crops.filter((crop) => !hasHole(crop) && !finer.has(crop)));
  const fine = (of: readonly Crop[]) => of.flatMap((crop) => finer.get(crop)?.stretches ?? []);
  const stretches = batches.flatMap((batch) => [atModelSize(batch, finer, run), ...fine(batch)]);
  // What is too thin to be seen at the network's size begins with what surrounds it.
  return [...stretches, ...fine(crops.filter((crop) => !hasHole(crop)))];
}

const imagesAtOnce = ({ options, networks }: Run) => options.batch ?? (networks.unet.device.kind === "cpu" ? 1 : 8);

/** Of the crops that go on beyond the network's size. @throws InputError */
async function refinementsOf(crops: readonly Crop[], run: Run): Promise<ReadonlyMap<Crop, Refinement>> {
  const { jobs, options, results, networks } = run;
  const detail = readDetail(options.detail);
  const { imageSize } = networks.unet.checkpoint.config;
  if (detail === "model" || !crops.some(({ region }) => region.width > imageSize)) return new Map();
  // Apart: runs at the network's size do not download it.
  const { refinements } = await import("./refinements.ts");
  return refinements(crops, {
    unet: networks.unet,
    jobs,
    detail,
    sampling: options.sampling,
    tilesAtOnce: imagesAtOnce(run),
    isGuided: options.classifierScale !== undefined,
    stateBytes: options.stateBytes,
    partsOf: (crop) => ({
      optionsOn: (now) => commonOptions([crop], run, now),
      show: (image) => results.show([crop], [image]),
      keep: (image, isLast) => results.keep([crop], [image], () => isLast),
    }),
  });
}

function atModelSize(batch: readonly Crop[], finer: ReadonlyMap<Crop, Refinement>, run: Run): Stretch {
  const { jobs, results } = run;
  const { sampling } = run.options;
  const startFrom = sampling.strength === undefined ? undefined : startOf(batch, jobs);
  const known = knownOf(batch);
  const { width, height } = batch[0]!.picture;
  return {
    calls: samplingCalls(sampling, known !== undefined),
    images: batch.length,
    optionsOn: (networks) => ({
      ...commonOptions(batch, run, networks),
      sampling,
      shape: { batch: batch.length, channels: 3, height, width },
      seeds: batch.map(({ seed }) => seed),
      known,
      startFrom,
    }),
    show: (xStart) => results.show(batch, imagesOf(batch, xStart)),
    keep: (values, isWhole) => {
      for (const [i, crop] of batch.entries()) finer.get(crop)?.begin(valuesOf(batch, values, i));
      results.keep(batch, imagesOf(batch, values), (crop) => isWhole && !finer.has(crop));
    },
  };
}

/** Before the first step of the first picture. @throws InputError */
function checkGuidance({ jobs, options: { classifierScale }, networks: { classifier } }: Run): void {
  if (classifierScale === undefined) return;
  requireScale(classifierScale);
  if (!classifier)
    throw new InputError("classifierScale: no classifier was loaded; give RePaint.load one as `classifier`");
  const without = jobs.findIndex((job) => job.class === undefined);
  if (without !== -1)
    throw new InputError(`class: a guided run draws every picture towards one, and picture ${without} has none`);
}

function commonOptions(batch: readonly Crop[], { jobs, options }: Run, { unet, classifier }: Networks): CommonOptions {
  const classes = batch.flatMap(({ job }) => jobs[job]!.class ?? unet.checkpoint.unconditionalClass ?? []);
  const scale = options.classifierScale;
  const guidance = scale === undefined ? undefined : { classifier: classifier!, scale, classes };
  // A network without classes may be guided by a classifier that has them.
  const taken = unet.checkpoint.config.numClasses === null && guidance ? [] : classes;
  return {
    unet,
    guidance,
    previewEvery: options.previewEvery,
    snapshotSeconds: options.snapshotSeconds,
    classes: taken.length > 0 ? taken : undefined,
  };
}

/** What is of the i-th crop. */
function valuesOf(batch: readonly Crop[], values: Float32Array, i: number): Float32Array {
  const length = values.length / batch.length;
  return values.subarray(i * length, (i + 1) * length);
}

function imagesOf(batch: readonly Crop[], values: Float32Array): Picture[] {
  return batch.map(({ keep: { width, height } }, i) => fromModelRange(valuesOf(batch, values, i), width, height));
}
