/**
 * A request as a plan: every picture and mask read once, hashed and checked, every setting resolved, so that what is
 * wrong comes before the first model call. Not here: what was asked for (request.ts), the work (run.ts).
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { InputError } from "../../errors.ts";
import type { EvaluationPlan, PlannedMask, PlannedPicture, PlannedSetting, Task } from "../../evaluate/plan.ts";
import { smallestSide } from "../../evaluate/lpipsNetwork.ts";
import { asInputError } from "../../node/files.ts";
import { decodePicture } from "../../node/pictures.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import { drawKeepMask } from "../../pictures/masks.ts";
import { samplingCalls } from "../../repaint/sampling.ts";
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import { classWords } from "../given/classes.ts";
import type { Context } from "../context.ts";
import type { EvaluationRequest, RequestedMask, RequestedSetting } from "./request.ts";
import { listPictureFiles, pairPictures, readPair } from "../files/pictureFiles.ts";
import { samplingFor } from "../given/sampling.ts";
import { about } from "../values.ts";
import type { Precision } from "../../numbers/storage.ts";

/** Where the plan's pictures and masks come from again. */
export interface Inputs {
  /** @throws InputError where a file is no longer what the plan says */
  picture(task: Pick<Task, "picture">): Promise<Picture>;
  mask(task: Pick<Task, "picture" | "mask">): Promise<Mask>;
}

export interface PlanParts {
  readonly model: EvaluationPlan["model"];
  readonly precision: Precision;
  /** A class for each of so many pictures. */
  readonly labels: (pictures: number) => Promise<readonly (number | undefined)[]>;
  readonly classifier: EvaluationPlan["classifier"];
  readonly lpips: readonly string[] | undefined;
}

/** @throws InputError for anything in it that cannot be run */
export async function makePlan(
  context: Context,
  request: EvaluationRequest,
  checkpoint: Checkpoint,
  parts: PlanParts,
): Promise<{ plan: EvaluationPlan; inputs: Inputs }> {
  const settings = request.settings.map((setting) => resolveSetting(setting, checkpoint));
  const files = await listPictureFiles(request.images);
  const pairs = request.files
    ? (await pairPictures(request.images, request.files.path, request.files.kind)).pairs
    : undefined;
  const pictures = await readPictures(context, files, parts.lpips !== undefined);
  const masks: PlannedMask[] = [];
  const draws: ((picture: number) => Promise<Mask>)[] = [];
  const add = async (mask: Omit<PlannedMask, "sha256">, draw: (picture: number) => Promise<Mask>): Promise<void> => {
    draws.push(draw);
    masks.push({ ...mask, sha256: await hashMasks(pictures, draw) });
  };
  for (const mask of request.masks) {
    const { name, pattern, seed } = mask;
    await add({ name, pattern, seed: String(seed) }, (picture) =>
      Promise.resolve(drawn(mask, picture, pictures[picture]!)),
    );
  }
  if (pairs) {
    // In the order of the pictures: a pair is found by its picture.
    const ordered = files.map((file) => pairs.find(({ image }) => image === file)!);
    await add({ name: request.files!.kind }, async (picture) => (await readPair(ordered[picture]!)).keep);
  }
  const plan: EvaluationPlan = {
    version: 1,
    model: parts.model,
    precision: parts.precision,
    ...classWords(await parts.labels(files.length)),
    ...(parts.classifier ? { classifier: parts.classifier } : {}),
    ...(parts.lpips === undefined ? {} : { lpips: parts.lpips }),
    pictures,
    masks,
    settings,
    seeds: request.seeds.map(String),
  };
  const inputs: Inputs = {
    picture: async ({ picture }) => {
      const { bytes, sha256 } = await readBytes(files[picture]!);
      if (sha256 !== pictures[picture]!.sha256)
        throw new InputError(`${files[picture]} has changed since this run began; start again with another --out`);
      return decodePicture(bytes, files[picture]!);
    },
    mask: ({ mask, picture }) => draws[mask]!(picture),
  };
  return { plan, inputs };
}

function resolveSetting({ name, run }: RequestedSetting, { diffusion }: Checkpoint): PlannedSetting {
  return about(`setting ${JSON.stringify(name)}`, () => {
    // A plan must not depend on the adapter, which a default preset would.
    const { sampling } = samplingFor(run, diffusion)("cpu");
    return { name, sampling, modelCalls: samplingCalls(sampling) };
  });
}

async function readBytes(file: string): Promise<{ bytes: Uint8Array; sha256: string }> {
  try {
    const bytes = await readFile(file);
    return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  } catch (error) {
    throw asInputError(error, `cannot read the picture ${file}`);
  }
}

async function readPictures(
  { report, signal }: Context,
  files: readonly string[],
  hasLpips: boolean,
): Promise<PlannedPicture[]> {
  const pictures: PlannedPicture[] = [];
  const places = new Map<string, string>();
  for (const file of files) {
    signal.throwIfAborted();
    const { bytes, sha256 } = await readBytes(file);
    const { width, height } = await decodePicture(bytes, file);
    if (hasLpips && Math.min(width, height) < smallestSide)
      throw new InputError(
        `${file} is ${width}x${height}, and LPIPS needs at least ${smallestSide}x${smallestSide}: leave --lpips away, or the picture`,
      );
    const name = file.replace(/^.*[/\\]/, "").replace(/\.[^.]*$/, "");
    const other = places.get(name);
    if (other !== undefined)
      throw new InputError(`${other} and ${file} have one name, ${name}, and results are named by it: rename one`);
    places.set(name, file);
    pictures.push({ name, sha256, width, height });
    if (files.length > 20) report.progress({ what: "pictures checked", done: pictures.length, total: files.length });
  }
  report.endProgress();
  return pictures;
}

/** The paper draws new strokes for every picture. */
function drawn({ pattern, seed }: RequestedMask, picture: number, { width, height }: PlannedPicture): Mask {
  return drawKeepMask(pattern, { width, height, seed: BigInt.asUintN(64, seed + BigInt(picture)) });
}

async function hashMasks(
  pictures: readonly PlannedPicture[],
  maskOf: (picture: number) => Promise<Mask>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const [index, { name, width, height }] of pictures.entries()) {
    const mask = await maskOf(index);
    if (mask.width !== width || mask.height !== height)
      throw new InputError(`the mask of ${name} is ${mask.width}x${mask.height}, the picture ${width}x${height}`);
    hash.update(Uint8Array.from(mask.data, (value) => (value >= 0.5 ? 1 : 0)));
  }
  return hash.digest("hex");
}
