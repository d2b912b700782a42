/**
 * The noise level of a run over its model calls as a line, and where in it a run is. Pure; the SVG is made in
 * settingsPanel.ts.
 */
import { noiseLevels, type Sampling } from "../../repaint/sampling.ts";
import { walkOf } from "../../repaint/walk.ts";

export interface Plot {
  /** Of an SVG path in the box (0, 0) … (width, height); the noisiest level is at the top. */
  readonly path: string;
  readonly modelCalls: number;
  /** Where the run stands after so many model calls of one crop. */
  at(calls: number): { readonly x: number; readonly y: number };
}

/** More points than this are not told apart on a screen. */
const mostPoints = 480;

/** @throws InputError for a schedule that is none */
export function plotSampling(sampling: Sampling, width: number, height: number): Plot {
  const { levels, calls } = walkOf(sampling);
  const last = levels.length - 1;
  const point = (i: number) => ({
    x: (i / last) * width,
    y: height - ((levels[i]! + 1) / noiseLevels(sampling)) * height,
  });
  const stride = Math.max(1, Math.ceil(levels.length / mostPoints));
  const path: string[] = [];
  // Turning points matter, what lies between them is straight; where there are too many, extremes of each stretch.
  for (let begin = 0; begin < levels.length; begin += stride) {
    const end = Math.min(begin + stride, levels.length);
    let [low, high] = [begin, begin];
    for (let i = begin; i < end; i++) {
      if (levels[i]! < levels[low]!) low = i;
      if (levels[i]! > levels[high]!) high = i;
    }
    for (const i of low < high ? [low, high] : high < low ? [high, low] : [low]) {
      const { x, y } = point(i);
      path.push(`${path.length === 0 ? "M" : "L"}${x.toFixed(2)} ${y.toFixed(2)}`);
    }
  }
  const end = point(last);
  path.push(`L${end.x.toFixed(2)} ${end.y.toFixed(2)}`);
  return {
    path: path.join(""),
    modelCalls: calls.length,
    at: (done) => point(done <= 0 ? 0 : (calls[Math.min(done, calls.length) - 1] ?? 0)),
  };
}
