/** Results as text: the tables of the terminal. */
import { table } from "../src/text/table.ts";
import { compareResults, type BenchResult, type KernelRow, type PictureResult, type Ratio } from "./result.ts";

/** Three significant digits: 1234, 12.3, 0.0123. */
export function number(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toPrecision(3);
}

export function percent(share: number | undefined): string {
  return share === undefined || !Number.isFinite(share) ? "" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** "2.4 GB", "310 kB". */
export function bytesWords(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return `${number(bytes / (size as number))} ${unit}`;
}

export function usesWords(uses: KernelRow["uses"]): string {
  return Object.entries(uses)
    .map(([network, count]) => `${network}${count > 1 ? ` ×${count}` : ""}`)
    .join(", ");
}

export function headline(result: BenchResult): string {
  const { adapter, kind, platform, precision, peak, timestamps } = result;
  return [
    `Adapter    ${adapter}${kind === "cpu" ? ", on the processor" : ""}; ${platform}; ${timestamps ? "timestamps" : "no timestamps: wall clock"}`,
    `Storage    ${precision}; arithmetic in f32`,
    `Peak       ${number(peak.gflops)} GFLOP/s of fma in registers (${peak.variant}), ${number(peak.gigabytes)} GB/s of copying (measured now)`,
  ].join("\n");
}

export function kernelTable(rows: readonly KernelRow[]): string {
  const right = true;
  const columns = [
    { title: "kernel" },
    { title: "way" },
    { title: "shape" },
    ...["GFLOP", "bytes", "ms", "GFLOP/s", "GB/s", "of peak", "error"].map((title) => ({ title, right })),
    { title: "used by" },
  ];
  const cells = [...rows]
    .sort((a, b) => a.kernel.localeCompare(b.kernel) || a.macs - b.macs || a.bytes - b.bytes)
    .map((row) => [
      row.kernel,
      row.key.startsWith("convolution ") ? row.variant : "",
      row.storage === "f32" ? row.shape : `${row.shape}, ${row.storage}`,
      row.macs > 0 ? number((2 * row.macs) / 1e9) : "",
      bytesWords(row.bytes),
      row.failed ? "FAILED" : row.skipped ? "—" : number(row.milliseconds),
      row.macs > 0 ? number(row.gflops) : "",
      number(row.gigabytes),
      percent(row.share),
      row.error === undefined ? "" : row.error.toExponential(0),
      row.failed ?? row.skipped ?? usesWords(row.uses),
    ]);
  return table(columns, cells);
}

/** Where the time of a forward goes, by kernel, and its slowest layers. */
export function forwardText(result: BenchResult): string {
  const { forward, step, peak } = result;
  const lines: string[] = [];
  if (forward) {
    const measured = forward.layers.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    lines.push(
      `Forward    ${forward.network}, ${forward.precision}: ${number(forward.milliseconds)} ms (median of ${forward.samples.length}), ` +
        `${number(forward.gflop)} GFLOP, ${number((forward.gflop / forward.milliseconds) * 1000)} GFLOP/s ` +
        `(${percent(((forward.gflop / forward.milliseconds) * 1000) / peak.gflops)} of peak), ${forward.dispatches} dispatches, ` +
        `${forward.error === undefined ? "not compared" : `relative error ${forward.error.toExponential(1)}`}; its dispatches one by one, ${forward.clock}: ${number(measured)} ms`,
    );
    const right = true;
    const columns = [
      { title: "kernel" },
      ...["dispatches", "ms", "share", "GFLOP/s"].map((title) => ({ title, right })),
    ];
    lines.push(
      table(
        columns,
        byKernel(forward.layers).map(({ kernel, count, macs, milliseconds }) => [
          kernel,
          String(count),
          number(milliseconds),
          percent(milliseconds / measured),
          macs > 0 ? number((2 * macs) / milliseconds / 1e6) : "",
        ]),
      ),
    );
  }
  if (step) {
    const share =
      step.outsideShare === undefined
        ? ""
        : `, ${percent(step.outsideShare)} of its device time outside the network (${number(step.outside)} of ${number((step.outside ?? 0) + (step.inNetwork ?? 0))} ms)`;
    lines.push(
      `Step       ${step.network}: ${number(step.milliseconds)} ms (mean of ${step.steps - 1})${share}; ` +
        `in the loop ${step.buffersCreated} buffers allocated, ${step.readbacks} read back`,
    );
  }
  if (result.pictures) lines.push(picturesText(result.pictures));
  return lines.join("\n\n");
}

function picturesText(pictures: readonly PictureResult[]): string {
  const right = true;
  const columns = [
    { title: "a picture" },
    { title: "sampler" },
    ...["calls", "ms a call", "ms beside", "seconds"].map((title) => ({ title, right })),
  ];
  const cells = pictures.map(({ preset, sampler, calls, callMilliseconds, restMilliseconds, seconds }) => [
    preset,
    sampler,
    String(calls),
    number(callMilliseconds),
    number(restMilliseconds),
    number(seconds),
  ]);
  return table(columns, cells);
}

export function byKernel<T extends { kernel: string; macs: number; milliseconds: number }>(layers: readonly T[]) {
  const kernels = new Map<string, { kernel: string; count: number; macs: number; milliseconds: number }>();
  for (const { kernel, macs, milliseconds } of layers) {
    const sum = kernels.get(kernel) ?? { kernel, count: 0, macs: 0, milliseconds: 0 };
    kernels.set(kernel, {
      kernel,
      count: sum.count + 1,
      macs: sum.macs + macs,
      milliseconds: sum.milliseconds + milliseconds,
    });
  }
  return [...kernels.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

export function comparisonText(before: BenchResult, now: BenchResult): string {
  const { kernels, shapes, whole } = compareResults(before, now);
  const columns = [
    { title: "faster by (>1 is faster now)" },
    ...["before ms", "now ms", "ratio"].map((title) => ({ title, right: true })),
  ];
  const row = ({ what, before: b, now: n, ratio }: Ratio) => [what, number(b), number(n), `${ratio.toFixed(2)}×`];
  const changed = shapes.filter(({ ratio }) => ratio > 1.1 || ratio < 1 / 1.1).sort((a, b) => a.ratio - b.ratio);
  const warning =
    before.adapter === now.adapter ? [] : [`The adapters differ: ${before.adapter} before, ${now.adapter} now.`];
  return [...warning, table(columns, [...whole, ...kernels].map(row)), "", table(columns, changed.map(row))].join("\n");
}
