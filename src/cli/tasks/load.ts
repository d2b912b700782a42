/** The networks of a command on its device, for the time of a call. Not here: opening their files (given/model.ts). */
import type { Device } from "../../engine/device.ts";
import { RePaint } from "../../repaint/repaint.ts";
import type { Context } from "../context.ts";
import type { OpenGuide } from "../given/guide.ts";
import type { OpenModel } from "../given/model.ts";
import { tuneOptions, type TuneSettings } from "../given/tuning.ts";
import type { Precision } from "../../numbers/storage.ts";

/** Milliseconds. */
const barInterval = 200;

export interface Networks {
  readonly device: Device;
  readonly model: OpenModel;
  readonly guide?: OpenGuide | undefined;
  readonly precision: Precision;
  readonly tune: TuneSettings;
}

export async function withRePaint<T>(
  context: Context,
  { device, model, guide, precision, tune }: Networks,
  body: (repaint: RePaint) => Promise<T>,
): Promise<T> {
  const { counts } = device.pipelines;
  const sayCompiling = () =>
    counts.done < counts.total && context.report.passing({ what: "shaders compiled", ...counts });
  const compiling = setInterval(sayCompiling, barInterval);
  try {
    const repaint = await RePaint.load(model.checkpoint, {
      device,
      precision,
      tune: await tuneOptions(context, tune),
      signal: context.signal,
      classifier: guide?.checkpoint,
    });
    try {
      return await body(repaint);
    } finally {
      repaint.dispose();
    }
  } finally {
    clearInterval(compiling);
  }
}
