/** The one model that is loaded: getting it from its source, what it is, how long its calls take. */
import { lastPart } from "../text/addresses.ts";
import { InputError, InterruptedError, OutOfMemoryError } from "../errors.ts";
import { measureCall } from "../repaint/measure.ts";
import type { Mask } from "../pictures/image.ts";
import { planRegions } from "../pictures/region.ts";
import { RePaint } from "../repaint/repaint.ts";
import { sha256Hex } from "../sources/sha256.ts";
import { countParameters } from "../checkpoints/layers.ts";
import { namesInFile } from "../checkpoints/released/classNames.ts";
import { planClassifierMemory } from "../unet/classifierMemory.ts";
import { planMemory, type MemoryOptions } from "../unet/memoryPlan.ts";
import type { ForwardSize } from "../unet/network.ts";
import { guidedScale, releasedAs, releasedWords } from "../checkpoints/released/find.ts";
import type { Requests, SourceMessage } from "./messages.ts";
import type { Task } from "./task.ts";
import type { ClassifierInfo, Estimate, LoadProgress, LoadRequest, ModelInfo, RunSettings } from "./types.ts";

type Wanted = Omit<Requests["load"]["takes"], "debug">;

/** Files up to this size are hashed: reading and hashing a larger one again takes longer than anybody waits. */
const mostHashedBytes = 64 * 2 ** 20;
/** Flags are a few lines. */
const mostFlagBytes = 1 << 20;

export class ModelHolder {
  #repaint: RePaint | undefined;
  /** Of one crop; undefined: not measured yet. */
  secondsPerCall: number | undefined;

  /** @throws InputError before a model is loaded */
  get repaint(): RePaint {
    if (!this.#repaint) throw new InputError("no model is loaded: load one first");
    return this.#repaint;
  }

  /** The scale of a guided run for which none is given; undefined: nothing guides. */
  get classifierScale(): number | undefined {
    return this.repaint.classifier && guidedScale(this.repaint.checkpoint);
  }

  /** The model before stays until the new one is there, unless both do not fit at once. */
  async load(wanted: Wanted, task: Task): Promise<ModelInfo> {
    const { request } = wanted;
    const [flags, classifierFlags] = [await readFlags(request.flags), await readFlags(request.classifierFlags)];
    const loading = () => this.#open({ ...wanted, request: { ...request, flags, classifierFlags } }, task);
    let next: Awaited<ReturnType<typeof loading>>;
    try {
      next = await loading();
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || !this.#repaint) throw error;
      this.#repaint.dispose();
      this.#repaint = undefined;
      next = await loading();
    }
    if (task.signal.aborted) {
      next.repaint.dispose();
      throw new InterruptedError("stopped");
    }
    this.#repaint?.dispose();
    this.#repaint = next.repaint;
    this.secondsPerCall = undefined;
    return describe(next.repaint, wanted, next.bytes);
  }

  async #open({ source, classifier, request }: Wanted, task: Task) {
    const progress = throttled((progress: LoadProgress) => task.emit({ kind: "loadProgress", progress }));
    const { signal } = task;
    let bytes = "file" in source ? source.file.size : 0;
    const onProgress = (doneBytes: number, totalBytes: number) =>
      progress({ phase: "uploading", doneBytes, totalBytes }, doneBytes === totalBytes);
    const downloadOf = (file: SourceMessage) => ({
      onProgress: (doneBytes: number, totalBytes: number) => {
        if (file === source) bytes = totalBytes;
        progress({ phase: "downloading", doneBytes, totalBytes }, doneBytes === totalBytes);
      },
      onWarning: (message: string) => task.emit({ kind: "warning", message }),
      ...("url" in file && file.sha256 !== undefined ? { integrity: { sha256: file.sha256 } } : {}),
    });
    const repaint = await RePaint.load(placeOf(source), {
      ...request,
      signal,
      onProgress,
      download: downloadOf(source),
      classifier: classifier && placeOf(classifier),
      classifierDownload: classifier && downloadOf(classifier),
    });
    return { repaint, bytes };
  }

  async estimate(settings: RunSettings, signal: AbortSignal): Promise<Estimate> {
    const { repaint } = this;
    const { keep, region, detail, count = 1 } = settings;
    const side = repaint.checkpoint.config.imageSize;
    const sizes = { modelWidth: side, modelHeight: side, ...(region ? { region } : {}) };
    const crops = keep ? planRegions(keep, sizes).length : 1;
    const hasKnown = !keep || keep.data.some((value) => value >= 0.5);
    const modelCalls =
      count *
      (keep && detail && detail !== "model"
        ? await imagesOf(repaint, keep, settings)
        : crops * repaint.modelCalls(settings.sampling, hasKnown));
    const secondsPerCall = (this.secondsPerCall ??= await measureCall(repaint.unet, signal, repaint.classifier));
    return { modelCalls, secondsPerCall, seconds: modelCalls * secondsPerCall };
  }

  dispose(): void {
    this.#repaint?.dispose();
    this.#repaint = undefined;
  }
}

/** What goes through the model in detail: of a picture that is not at hand, at most. */
async function imagesOf(repaint: RePaint, keep: Mask, { sampling, region }: RunSettings): Promise<number> {
  const { width, height } = keep;
  const picture = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(255) };
  return (await repaint.cost({ picture, keep, seed: 0n }, { sampling, region, detail: "full" })).images;
}

const placeOf = (source: SourceMessage) => ("file" in source ? source.file : source.url);

async function describe(repaint: RePaint, { source, classifier }: Wanted, bytes: number): Promise<ModelInfo> {
  const { config, architecture, diffusion, assumed } = repaint.checkpoint;
  const { device, precision, traits, choices } = repaint.unet;
  const [height, width] = [config.imageSize, config.imageSize];
  const size = { batch: 1, height, width, ...(config.superRes ? { lowRes: { height, width } } : {}) };
  const options = {
    activations: precision,
    weightType: precision,
    traits,
    choices,
    limits: device.limits,
    embeddings: diffusion.diffusionSteps,
  };
  const guide = classifier && (await describeClassifier(repaint, classifier, size, options));
  const name = nameOf(source);
  return {
    title: releasedWords(repaint.checkpoint) ?? name,
    imageSize: config.imageSize,
    classes: config.numClasses,
    // The client adds ImageNet's.
    classNames: config.numClasses === null ? null : (namesInFile(repaint.checkpoint.file, config.numClasses) ?? null),
    unconditionalClass: repaint.checkpoint.unconditionalClass ?? null,
    parameters: countParameters(architecture),
    bytes,
    precision,
    assumed,
    sha256: await hashOf(source),
    diffusionSteps: diffusion.diffusionSteps,
    memoryBytes: planMemory(architecture, size, options).total + (guide?.memoryBytes ?? 0),
    classifier: guide ?? null,
    looksLike: releasedAs(repaint.checkpoint).map((preset) => preset.name),
  };
}

async function describeClassifier(
  { classifier, checkpoint }: RePaint,
  source: SourceMessage,
  size: ForwardSize,
  options: MemoryOptions,
): Promise<ClassifierInfo> {
  const { architecture, file } = classifier!.checkpoint;
  const { classes } = classifier!;
  return {
    title: nameOf(source),
    sha256: await hashOf(source),
    classes,
    classNames: namesInFile(file, classes) ?? null,
    scale: guidedScale(checkpoint),
    memoryBytes: planClassifierMemory(architecture, size, { ...options, sharesX: true }).total,
  };
}

function nameOf(source: SourceMessage): string {
  return "file" in source ? source.file.name : (source.title ?? fileName(source.url));
}

/** null: it is not known without reading all of a large file again. */
async function hashOf(source: SourceMessage): Promise<string | null> {
  if (!("file" in source)) return source.sha256 ?? null;
  return source.file.size > mostHashedBytes ? null : sha256Hex(new Uint8Array(await source.file.arrayBuffer()));
}

function fileName(url: string): string {
  return lastPart(new URL(url)) || url;
}

/** @throws InputError for a file that is no JSON */
async function readFlags(flags: LoadRequest["flags"]): Promise<LoadRequest["flags"]> {
  if (!(flags instanceof File)) return flags;
  if (flags.size > mostFlagBytes) throw new InputError(`${flags.name}: expected at most 1 MiB of JSON`);
  try {
    return JSON.parse(await flags.text()) as Record<string, unknown>;
  } catch {
    throw new InputError(`${flags.name}: expected JSON, such as a config.json`);
  }
}

/** At most one in 50 ms, and the last. */
function throttled<T>(send: (value: T) => void): (value: T, isLast: boolean) => void {
  let before = 0;
  return (value, isLast) => {
    const now = performance.now();
    if (!isLast && now - before < 50) return;
    before = now;
    send(value);
  };
}
