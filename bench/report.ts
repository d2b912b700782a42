/**
 * A result as HTML: facts, roofline, forward by blocks, the table. `reportPage` is one file that needs nothing else;
 * `reportBody` is the same inside a page that has report.css.
 */
import { escapeHtml } from "../src/evaluate/page.ts";
import { layerChart, roofline } from "./charts.ts";
import type { BenchResult, KernelRow } from "./result.ts";
import { bytesWords, number, percent, usesWords } from "./text.ts";

/** `style`: the text of report.css. */
export function reportPage(result: BenchResult, style: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>repaint-webgpu on ${escapeHtml(result.adapter)}</title>
<style>${style}</style>
<main>
<h1>repaint-webgpu on ${escapeHtml(result.adapter)}</h1>
${reportBody(result)}
</main>
</html>
`;
}

export function reportBody(result: BenchResult): string {
  const { forward } = result;
  const blocks = forward
    ? `<p class="soft">${escapeHtml(forward.network)}, ${escapeHtml(forward.precision)}, one image; each dispatch by itself (${escapeHtml(forward.clock)}).</p>${layerChart(forward.layers)}`
    : layerChart([]);
  return `<p class="soft">${escapeHtml(result.platform)} · version ${escapeHtml(result.version)} · ${escapeHtml(result.date.slice(0, 16).replace("T", " "))} UTC · storage ${escapeHtml(result.precision)}, arithmetic f32${result.interrupted ? " · stopped before its end" : ""}</p>
${facts(result)}
<h2>Roofline</h2>
<p class="soft">A point is a shape; a roof is what this adapter reached in the same run with nothing but multiply-adds, or copying.
A point above the roof saves work: Winograd's operations are counted as the direct sum has them.</p>
${roofline(result)}
<h2>The forward, block by block</h2>
${blocks}
<h2>Kernels</h2>
${kernelTable(result.kernels)}`;
}

function facts({ peak, forward, step, pictures = [], kernels }: BenchResult): string {
  const failed = kernels.filter((row) => row.failed !== undefined).length;
  const fact = (title: string, value: string, more = "") =>
    `<div><dt>${title}</dt><dd>${value}${more ? `<small>${more}</small>` : ""}</dd></div>`;
  const rate = forward ? (forward.gflop / forward.milliseconds) * 1000 : 0;
  return `<dl class="facts">
${fact("Peak, measured", `${number(peak.gflops)} GFLOP/s`, `${number(peak.gigabytes)} GB/s of copying`)}
${forward ? fact(`Forward of ${escapeHtml(forward.network)}`, `${number(forward.milliseconds)} ms`, `${number(rate)} GFLOP/s, ${percent(rate / peak.gflops)} of peak${forward.error === undefined ? "" : `; error ${forward.error.toExponential(1)}`}`) : ""}
${step ? fact("A step of RePaint", `${number(step.milliseconds)} ms`, step.outsideShare === undefined ? "" : `${percent(step.outsideShare)} outside the network`) : ""}
${pictures.map(({ preset, sampler, calls, seconds }) => fact(`A picture, ${preset}`, `${number(seconds)} s`, `${calls} calls, ${sampler}`)).join("\n")}
${fact("Kernels", `${kernels.filter((row) => row.milliseconds !== undefined).length} shapes timed`, failed > 0 ? `<span class="bad">${failed} computed wrongly</span>` : "each checked against float64 first")}
</dl>`;
}

function kernelTable(rows: readonly KernelRow[]): string {
  const heads = ["kernel", "way", "shape", "ms", "GFLOP/s", "GB/s", "of peak", "bytes", "error", "used by"];
  const right = new Set([3, 4, 5, 6, 7, 8]);
  const cells = (row: KernelRow) => [
    row.kernel,
    row.key.startsWith("convolution ") ? row.variant : "",
    row.storage === "f32" ? row.shape : `${row.shape}, ${row.storage}`,
    number(row.milliseconds),
    row.macs > 0 ? number(row.gflops) : "",
    number(row.gigabytes),
    percent(row.share),
    bytesWords(row.bytes),
    row.error === undefined ? "" : row.error.toExponential(0),
    row.failed ?? row.skipped ?? usesWords(row.uses),
  ];
  const cell = (tag: string, text: string, i: number) =>
    `<${tag}${right.has(i) ? ' class="right"' : ""}>${escapeHtml(text)}</${tag}>`;
  const sorted = [...rows].sort((a, b) => a.kernel.localeCompare(b.kernel) || a.macs - b.macs || a.bytes - b.bytes);
  return `<div class="scroll"><table><thead><tr>${heads.map((head, i) => cell("th", head, i)).join("")}</tr></thead><tbody>
${sorted
  .map(
    (row) =>
      `<tr${row.failed ? ' class="bad"' : ""}>${cells(row)
        .map((text, i) => cell("td", text, i))
        .join("")}</tr>`,
  )
  .join("\n")}
</tbody></table></div>`;
}
