/**
 * A schedule as a line: noise level over model calls, and where in it a run is. Pure; the SVG is made in settingsPanel.ts.
 */
import { countModelCalls, scheduleTimes, type Schedule } from "../../repaint/schedule.ts";

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
export function plotSchedule(schedule: Schedule, width: number, height: number): Plot {
  const times = scheduleTimes(schedule);
  const last = times.length - 1;
  const point = (i: number) => ({
    x: (i / last) * width,
    y: height - ((times[i]! + 1) / schedule.steps) * height,
  });
  const stride = Math.max(1, Math.ceil(times.length / mostPoints));
  const path: string[] = [];
  // Turning points matter, what lies between them is straight; where there are too many, extremes of each stretch.
  for (let begin = 0; begin < times.length; begin += stride) {
    const end = Math.min(begin + stride, times.length);
    let [low, high] = [begin, begin];
    for (let i = begin; i < end; i++) {
      if (times[i]! < times[low]!) low = i;
      if (times[i]! > times[high]!) high = i;
    }
    for (const i of low < high ? [low, high] : high < low ? [high, low] : [low]) {
      const { x, y } = point(i);
      path.push(`${path.length === 0 ? "M" : "L"}${x.toFixed(2)} ${y.toFixed(2)}`);
    }
  }
  const end = point(last);
  path.push(`L${end.x.toFixed(2)} ${end.y.toFixed(2)}`);
  /** Of each model call: the index of the time that it leads to. */
  const calls = times.flatMap((time, i) => (i > 0 && time < times[i - 1]! ? [i] : []));
  return {
    path: path.join(""),
    modelCalls: countModelCalls(times),
    at: (done) => point(done <= 0 ? 0 : (calls[Math.min(done, calls.length) - 1] ?? 0)),
  };
}
