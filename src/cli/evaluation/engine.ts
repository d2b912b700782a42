/**
 * What an evaluation runs with: the model on a device, and LPIPS where its weights were given. Not here: what is run.
 */
import { Lpips } from "../../evaluate/lpips.ts";
import { lpipsReader } from "../../evaluate/lpipsFile.ts";
import { type FileSource, sha256 } from "../../node/fileSource.ts";
import type { RePaint } from "../../repaint/repaint.ts";
import type { Option } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import type { OpenGuide } from "../given/guide.ts";
import { type OpenModel, sayAssumed } from "../given/model.ts";
import { openWeights } from "../given/weightsFile.ts";
import { openTensors } from "../../files/open.ts";
import { withRePaint } from "../tasks/load.ts";
import type { Precision } from "../../numbers/storage.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

export const lpipsOption: Option = {
  name: "lpips",
  value: "F",
  repeat: true,
  help: "weights of LPIPS over AlexNet (.pt or .safetensors); trunk and heads may lie in two files",
};

export interface LpipsFile {
  readonly file: TensorFile;
  readonly hash: string;
}

/** Opens the files of LPIPS for the time of `body`, after a look whether they are that. */
export async function withLpips<T>(
  context: Context,
  paths: readonly string[],
  body: (files: readonly LpipsFile[] | undefined) => Promise<T>,
): Promise<T> {
  if (paths.length === 0) return body(undefined);
  const sources: FileSource[] = [];
  try {
    const files: LpipsFile[] = [];
    for (const path of paths) {
      const source = await openWeights(path, context);
      sources.push(source);
      files.push({ file: await openTensors(source), hash: await sha256(source, { signal: context.signal }) });
    }
    lpipsReader(files.map(({ file }) => file));
    return await body(files);
  } finally {
    for (const source of sources) await source.close();
  }
}

export interface Engine {
  readonly device: Awaited<ReturnType<typeof announceDevice>>;
  readonly repaint: RePaint;
  readonly lpips: Lpips | undefined;
}

export interface Parts {
  readonly model: OpenModel;
  readonly guide: OpenGuide | undefined;
  readonly lpips: readonly TensorFile[] | undefined;
}

export async function withEngine<T>(
  context: Context,
  { adapter, precision }: { readonly adapter: string | undefined; readonly precision: Precision },
  { model, guide, lpips: files }: Parts,
  body: (engine: Engine) => Promise<T>,
): Promise<T> {
  sayAssumed(model, context.report);
  const device = await announceDevice(context, adapter);
  // Results must not depend on which kernels were the fastest on some day.
  return withRePaint(context, { device, model, guide, precision, tune: "off" }, async (repaint) => {
    const lpips = files && (await Lpips.load(device, files));
    try {
      return await body({ device, repaint, lpips });
    } finally {
      lpips?.dispose();
    }
  });
}
