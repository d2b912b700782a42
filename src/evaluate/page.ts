/** One HTML file that needs nothing else, and numbers in it. Not here: what a report says. */

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; --page: #fcfcfb; --text: #1a1a19; --soft: #5b5b57; --line: #dcdcd8; --best: #e4efe1;
  --series-0: #2a6fdb; --series-1: #c2570c; --series-2: #16836b; --series-3: #a03a8c; --series-4: #8a6d00; --series-5: #b3303a; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --text: #ecece8; --soft: #a5a59e; --line: #383835; --best: #22331f;
  --series-0: #6ea3f5; --series-1: #f0924c; --series-2: #4cc2a3; --series-3: #dc85c9; --series-4: #d4b13c; --series-5: #f07f88; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 8px; } h2 { font-size: 1.15rem; margin: 40px 0 8px; } h3 { font-size: 1rem; margin: 24px 0 4px; }
p { margin: 0 0 8px; max-width: 75ch; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td.number, th.number { text-align: right; } td small { display: block; color: var(--soft); }
.best { background: var(--best); }
.plot svg { display: block; max-width: 760px; width: 100%; height: auto; } .grid { stroke: var(--line); }
.plot text { fill: var(--soft); font: 12px system-ui, sans-serif; } .plot text.name { fill: var(--text); }
.pictures { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 16px; } .pictures figure { margin: 0; width: 132px; }
.pictures img { width: 128px; display: block; image-rendering: pixelated; border: 1px solid var(--line); }
.pictures figcaption { font-size: .75rem; line-height: 1.3; color: var(--soft); overflow-wrap: anywhere; }
`;

export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</html>
`;
}

export interface Cell {
  readonly text: string;
  /** Below it, smaller. */
  readonly small?: string | undefined;
  readonly isNumber?: boolean;
  readonly isBest?: boolean;
  /** Differs from run to run. */
  readonly isTime?: boolean;
}

export function htmlTable(heads: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const cell = (tag: "th" | "td", { text, small, isNumber, isBest, isTime }: Cell) => {
    const classes = [...(isNumber ? ["number"] : []), ...(isBest ? ["best"] : []), ...(isTime ? ["time"] : [])];
    const attribute = classes.length > 0 ? ` class="${classes.join(" ")}"` : "";
    return `<${tag}${attribute}>${escapeHtml(text)}${small ? `<small>${escapeHtml(small)}</small>` : ""}</${tag}>`;
  };
  const line = (tag: "th" | "td", cells: readonly Cell[]) => `<tr>${cells.map((one) => cell(tag, one)).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${line("th", heads)}</thead><tbody>
${rows.map((row) => line("td", row)).join("\n")}
</tbody></table></div>`;
}

/** A picture and its caption; `source` is a data URL. */
export function htmlFigure(source: string, caption: string): string {
  return `<figure><img src="${source}" alt="${escapeHtml(caption)}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
