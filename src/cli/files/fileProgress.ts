/** Progress of a long writing in MiB with the time that is left. Not here: how a bar looks (report.ts). */
import type { TensorWriterOptions } from "../../node/tensorWriter.ts";
import type { Report } from "../../node/report.ts";

const mib = 2 ** 20;
/** Smaller files are written in a moment. */
const leastBytes = 64 * mib;

/** For `writeTensorFile`. */
export function fileProgress(report: Report): NonNullable<TensorWriterOptions["onProgress"]> {
  let phase = { what: "", begin: 0 };
  return (what, done, total) => {
    if (total < leastBytes) return;
    const now = performance.now() / 1000;
    if (phase.what !== what) {
      report.endProgress();
      phase = { what, begin: now };
    }
    const secondsLeft = ((now - phase.begin) * (total - done)) / done;
    report.event("progress", { what, done, total, secondsLeft });
    report.progress({ what: `MiB ${what}`, done: Math.round(done / mib), total: Math.round(total / mib), secondsLeft });
  };
}
