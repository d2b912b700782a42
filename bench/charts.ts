/**
 * The two plots of a result as SVG text: the roofline, and the forward by blocks. Colours are CSS variables of the page
 * around them (`report.ts`), so that light and dark need no second drawing.
 */
import { escapeHtml } from "../src/evaluate/page.ts";
import type { BenchResult, KernelRow, LayerTime } from "./result.ts";
import { byKernel, number, percent } from "./text.ts";

const seriesColours = 8;

/** A colour a name, in order of appearance; the last is shared by all that come later. */
function colours(names: readonly string[]): (name: string) => string {
  const order = [...new Set(names)];
  return (name) => `var(--series-${Math.min(order.indexOf(name), seriesColours - 1)})`;
}

function legend(names: readonly string[], colour: (name: string) => string): string {
  const items = names.map(
    (name) =>
      `<li><svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" rx="2" fill="${colour(name)}"/></svg>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>`;
}

const [width, height] = [760, 380];
const margin = { left: 64, right: 16, top: 16, bottom: 48 };

interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** A logarithmic axis over whole decades around the values. */
function logAxis(values: readonly number[], from: number, to: number): Axis {
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const top = Math.max(high, low + 1);
  return {
    place: (value) => from + ((Math.log10(value) - low) / (top - low)) * (to - from),
    ticks: Array.from({ length: top - low + 1 }, (_, i) => 10 ** (low + i)),
  };
}

const tickWords = (value: number) =>
  value >= 1e4 || value < 1e-2 ? `10^${Math.round(Math.log10(value))}` : String(value);

/** Work that multiplies: its rate over its intensity, under the two roofs that were measured. */
export function roofline({ peak, kernels }: BenchResult): string {
  const rows = kernels.filter((row) => row.macs > 0 && row.gflops !== undefined);
  if (rows.length === 0) return `<p class="empty">Nothing that multiplies was timed.</p>`;
  const intensity = (row: KernelRow) => (2 * row.macs) / row.bytes;
  const ridge = peak.gflops / peak.gigabytes;
  const x = logAxis([...rows.map(intensity), ridge], margin.left, width - margin.right);
  const y = logAxis([...rows.map(({ gflops }) => gflops!), peak.gflops], height - margin.bottom, margin.top);
  const [left, right] = [x.ticks[0]!, x.ticks.at(-1)!];
  const bottom = y.ticks[0]!;
  const names = [...new Set(rows.map(({ kernel }) => kernel))];
  const colour = colours(names);
  const lowest = Math.max(left, bottom / peak.gigabytes);
  const roof = [
    [lowest, lowest * peak.gigabytes],
    [ridge, peak.gflops],
    [right, peak.gflops],
  ] as const;
  const points = rows.map((row) => {
    const title = `${row.kernel}, ${row.variant}, ${row.shape}: ${number(row.gflops)} GFLOP/s, ${percent(row.share)} of what the roof allows`;
    return `<circle cx="${x.place(intensity(row)).toFixed(1)}" cy="${y.place(row.gflops!).toFixed(1)}" r="4.5" fill="${colour(row.kernel)}"><title>${escapeHtml(title)}</title></circle>`;
  });
  const roofPath = roof.map(([a, b]) => `${x.place(a).toFixed(1)},${y.place(b).toFixed(1)}`).join(" ");
  const description = `Roofline: ${rows.length} measured shapes under ${number(peak.gflops)} GFLOP/s and ${number(peak.gigabytes)} GB/s`;
  return `<div class="plot"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${x.ticks.map((tick) => `<line class="grid" x1="${x.place(tick)}" x2="${x.place(tick)}" y1="${margin.top}" y2="${height - margin.bottom}"/><text class="tick" x="${x.place(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tickWords(tick)}</text>`).join("\n")}
${y.ticks.map((tick) => `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y.place(tick)}" y2="${y.place(tick)}"/><text class="tick" x="${margin.left - 8}" y="${y.place(tick) + 4}" text-anchor="end">${tickWords(tick)}</text>`).join("\n")}
<text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">operations a byte</text>
<text class="axis" transform="translate(16 ${(height - margin.bottom + margin.top) / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text>
<polyline class="roof" points="${roofPath}"/>
<text class="roof-label" x="${width - margin.right - 4}" y="${y.place(peak.gflops) + 16}" text-anchor="end">${number(peak.gflops)} GFLOP/s measured</text>
${points.join("\n")}
</svg></div>${legend(names, colour)}`;
}

/** "input_blocks.4.1.in_layers.2" belongs to "input_blocks.4". */
export function blockOf(layer: string): string {
  return /^(\w+_blocks?\.\d+|middle_block|\w+)/.exec(layer)?.[1] ?? layer;
}

/** The forward's blocks in order, each a bar of its kernels' times. */
export function layerChart(layers: readonly LayerTime[]): string {
  if (layers.length === 0) return `<p class="empty">The forward was not measured.</p>`;
  const blocks = new Map<string, LayerTime[]>();
  for (const layer of layers) {
    const block = blockOf(layer.layer);
    blocks.set(block, [...(blocks.get(block) ?? []), layer]);
  }
  const kernels = byKernel(layers).map(({ kernel }) => kernel);
  const colour = colours(kernels);
  const total = (own: readonly LayerTime[]) => own.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const largest = Math.max(...[...blocks.values()].map(total));
  const rowHeight = 20;
  const label = 132;
  const scale = (width - label - 70) / largest;
  const bars = [...blocks].map(([block, own], index) => {
    let at = label;
    const parts = byKernel(own)
      .sort((a, b) => kernels.indexOf(a.kernel) - kernels.indexOf(b.kernel))
      .map(({ kernel, count, macs, milliseconds }) => {
        const length = milliseconds * scale;
        const rate = macs > 0 ? `, ${number((2 * macs) / milliseconds / 1e6)} GFLOP/s` : "";
        const title = `${block}: ${kernel} ×${count}, ${number(milliseconds)} ms${rate}`;
        const part = `<rect x="${at.toFixed(1)}" y="${index * rowHeight + 3}" width="${Math.max(0, length - 1).toFixed(1)}" height="${rowHeight - 6}" fill="${colour(kernel)}"><title>${escapeHtml(title)}</title></rect>`;
        at += length;
        return part;
      });
    return `<text class="tick" x="${label - 8}" y="${index * rowHeight + 14}" text-anchor="end">${escapeHtml(block)}</text>${parts.join("")}<text class="tick" x="${at + 5}" y="${index * rowHeight + 14}">${number(total(own))} ms</text>`;
  });
  return `<div class="plot"><svg viewBox="0 0 ${width} ${blocks.size * rowHeight}" role="img" aria-label="Time of each block of the forward">
${bars.join("\n")}
</svg></div>${legend(kernels, colour)}`;
}
