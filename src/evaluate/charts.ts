/**
 * Means with their intervals as SVG: a dot and whiskers a row. Colours are CSS variables of the page around (page.ts).
 */
import { escapeHtml } from "./page.ts";
import type { Estimate } from "./statistics.ts";

export interface ChartRow {
  readonly label: string;
  /** Rows of one group have one colour and stand together. */
  readonly group: string;
  readonly value: Estimate;
}

const width = 760;
const labelWidth = 260;
const rowHeight = 22;
const series = 6;

/** Ticks at 1, 2 or 5 times a power of ten, about five of them. */
function ticksOf(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** `standalone` brings its own colours, for a file of its own. */
export function intervalChart(
  rows: readonly ChartRow[],
  { title, digits, standalone = false }: { title: string; digits: number; standalone?: boolean },
): string {
  const ends = rows.flatMap(({ value }) => [value.low ?? value.mean, value.high ?? value.mean, value.mean]);
  const [least, largest] = [Math.min(...ends), Math.max(...ends)];
  const margin = (largest - least || Math.abs(largest) || 1) * 0.06;
  const [low, high] = [least - margin, largest + margin];
  const place = (value: number) => labelWidth + ((value - low) / (high - low)) * (width - labelWidth - 70);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const height = (rows.length + (groups.length > 1 ? groups.length : 0)) * rowHeight + 44;
  const bottom = height - 24;
  let y = 18;
  const parts: string[] = ticksOf(low, high).map(
    (tick) =>
      `<line class="grid" x1="${place(tick).toFixed(1)}" x2="${place(tick).toFixed(1)}" y1="4" y2="${bottom - 6}"/><text x="${place(tick).toFixed(1)}" y="${bottom + 10}" text-anchor="middle">${Number(tick.toPrecision(6))}</text>`,
  );
  for (const [index, group] of groups.entries()) {
    if (groups.length > 1) {
      parts.push(`<text class="name" x="0" y="${y + 4}" font-weight="600">${escapeHtml(group)}</text>`);
      y += rowHeight;
    }
    const colour = `var(--series-${index % series})`;
    for (const { label, value } of rows.filter((row) => row.group === group)) {
      const { mean, low: from, high: to, count } = value;
      const interval = from === undefined ? "" : `, 95 % from ${from.toFixed(digits)} to ${to!.toFixed(digits)}`;
      parts.push(
        `<g><title>${escapeHtml(`${label}: ${mean.toFixed(digits)}${interval}, ${count} pictures`)}</title>` +
          `<text class="name" x="${labelWidth - 10}" y="${y + 4}" text-anchor="end">${escapeHtml(shorten(label))}</text>` +
          (from === undefined
            ? ""
            : `<line x1="${place(from).toFixed(1)}" x2="${place(to!).toFixed(1)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2"/>`) +
          `<circle cx="${place(mean).toFixed(1)}" cy="${y}" r="4.5" fill="${colour}"/>` +
          `<text x="${(place(to ?? mean) + 8).toFixed(1)}" y="${y + 4}">${mean.toFixed(digits)}</text></g>`,
      );
      y += rowHeight;
    }
  }
  const own = standalone
    ? `<style>svg{--series-0:#2a6fdb;--series-1:#c2570c;--series-2:#16836b;--series-3:#a03a8c;--series-4:#8a6d00;--series-5:#b3303a;background:#fcfcfb}.grid{stroke:#dcdcd8}text{fill:#5b5b57;font:12px system-ui,sans-serif}text.name{fill:#1a1a19}</style>`
    : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${own}
${parts.join("\n")}
</svg>`;
}

const shorten = (label: string): string => (label.length > 38 ? `${label.slice(0, 37)}…` : label);
