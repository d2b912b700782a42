/**
 * A result as HTML: facts, roofline, forward by blocks, the table. `reportPage` is one file that needs nothing else;
 * `reportBody` is the same inside a page that has `reportStyle`.
 */
import { escape, layerChart, roofline } from "./charts.ts";
import type { BenchResult, KernelRow } from "./result.ts";
import { bytesWords, number, percent, usesWords } from "./text.ts";

export const reportStyle = `
:root { color-scheme: light dark; --page: #fcfcfb; --text: #1a1a19; --soft: #5b5b57; --line: #dcdcd8; --roof: #1a1a19;
  --series-0: #2a6fdb; --series-1: #c2570c; --series-2: #16836b; --series-3: #a03a8c; --series-4: #8a6d00;
  --series-5: #b3303a; --series-6: #4b52b8; --series-7: #6b6b66; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --text: #ecece8; --soft: #a5a59e; --line: #383835; --roof: #ecece8;
  --series-0: #6ea3f5; --series-1: #f0924c; --series-2: #4cc2a3; --series-3: #dc85c9; --series-4: #d4b13c;
  --series-5: #f07f88; --series-6: #9ba1f2; --series-7: #9a9a93; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 8px; } h2 { font-size: 1.1rem; margin: 40px 0 8px; }
p, dd, dt { margin: 0; } .soft { color: var(--soft); } .bad { color: var(--bad); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px 24px; margin: 20px 0; }
dl.facts dt { color: var(--soft); font-size: .85rem; } dl.facts dd { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
dl.facts small { display: block; color: var(--soft); font-size: .8rem; }
.plot { overflow-x: auto; } .plot svg { display: block; width: 100%; min-width: 560px; height: auto; }
.grid { stroke: var(--line); } .tick, .axis, .roof-label { fill: var(--soft); font-size: 12px; }
.roof { fill: none; stroke: var(--roof); stroke-width: 1.5; stroke-dasharray: 5 4; }
circle { fill-opacity: .8; } .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; padding: 0; margin: 8px 0; font-size: .85rem; }
.legend svg { margin-right: 6px; vertical-align: -1px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 10px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } .right { text-align: right; }
`;

export function reportPage(result: BenchResult): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>repaint-webgpu on ${escape(result.adapter)}</title>
<style>${reportStyle}</style>
<main>
<h1>repaint-webgpu on ${escape(result.adapter)}</h1>
${reportBody(result)}
</main>
</html>
`;
}

export function reportBody(result: BenchResult): string {
  const { forward } = result;
  const blocks = forward
    ? `<p class="soft">${escape(forward.network)}, ${forward.precision}, one image; each dispatch by itself (${forward.clock}).</p>${layerChart(forward.layers)}`
    : layerChart([]);
  return `<p class="soft">${escape(result.platform)} · version ${escape(result.version)} · ${escape(result.date.slice(0, 16).replace("T", " "))} UTC · storage ${result.precision}, arithmetic f32${result.interrupted ? " · stopped before its end" : ""}</p>
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

function facts({ peak, forward, step, kernels }: BenchResult): string {
  const failed = kernels.filter((row) => row.failed !== undefined).length;
  const fact = (title: string, value: string, more = "") =>
    `<div><dt>${title}</dt><dd>${value}${more ? `<small>${more}</small>` : ""}</dd></div>`;
  const rate = forward ? (forward.gflop / forward.milliseconds) * 1000 : 0;
  return `<dl class="facts">
${fact("Peak, measured", `${number(peak.gflops)} GFLOP/s`, `${number(peak.gigabytes)} GB/s of copying`)}
${forward ? fact(`Forward of ${escape(forward.network)}`, `${number(forward.milliseconds)} ms`, `${number(rate)} GFLOP/s, ${percent(rate / peak.gflops)} of peak; error ${forward.error.toExponential(1)}`) : ""}
${step ? fact("A step of RePaint", `${number(step.milliseconds)} ms`, step.outsideShare === undefined ? "" : `${percent(step.outsideShare)} outside the network`) : ""}
${fact("Kernels", `${kernels.filter((row) => row.milliseconds !== undefined).length} shapes timed`, failed > 0 ? `<span class="bad">${failed} computed wrongly</span>` : "each checked against float64 first")}
</dl>`;
}

function kernelTable(rows: readonly KernelRow[]): string {
  const heads = ["kernel", "way", "shape", "ms", "GFLOP/s", "GB/s", "of peak", "bytes", "error", "used by"];
  const right = new Set([3, 4, 5, 6, 7, 8]);
  const cells = (row: KernelRow) => [
    row.kernel,
    row.key.startsWith("convolution ") ? row.variant : "",
    row.storage === "f16" ? `${row.shape}, f16` : row.shape,
    number(row.milliseconds),
    row.macs > 0 ? number(row.gflops) : "",
    number(row.gigabytes),
    percent(row.share),
    bytesWords(row.bytes),
    row.error === undefined ? "" : row.error.toExponential(0),
    row.failed ?? row.skipped ?? usesWords(row.uses),
  ];
  const cell = (tag: string, text: string, i: number) =>
    `<${tag}${right.has(i) ? ' class="right"' : ""}>${escape(text)}</${tag}>`;
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
