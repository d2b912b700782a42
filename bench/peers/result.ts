/** What a comparison with other engines found, as its JSON, and as text. */
import { table } from "../../src/text/table.ts";
import { number } from "../text.ts";

export const peersFormat = "repaint-webgpu peers 1";

/** One engine on one piece of work. Times are from input in host memory to output in host memory, for all alike. */
export interface PeerRow {
  /** "forward of portraits64", or a convolution's shape. */
  readonly work: string;
  readonly gflop: number;
  readonly engine: string;
  /** ‖its output − ours‖ ÷ ‖ours‖. */
  readonly error: number;
  readonly milliseconds?: number;
  readonly samples?: readonly number[];
  /** Its time ÷ ours: above 1 we are faster. */
  readonly ratio?: number;
  /** Why there is no time: it cannot run this, or computes something else. */
  readonly skipped?: string;
}

export interface PeersResult {
  readonly format: typeof peersFormat;
  readonly date: string;
  readonly version: string;
  readonly adapter: string;
  readonly browser: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly PeerRow[];
  readonly interrupted: boolean;
}

export const ours = "repaint-webgpu";

export function peersText({ adapter, browser, threads, versions, rows, interrupted }: PeersResult): string {
  const right = true;
  const columns = [
    { title: "work" },
    { title: "engine" },
    ...["GFLOP", "ms", "runs", "its time ÷ ours", "difference"].map((title) => ({ title, right })),
  ];
  const cells = rows.map((row) => [
    row.work,
    row.engine,
    number(row.gflop),
    row.milliseconds === undefined ? "—" : number(row.milliseconds),
    row.samples === undefined ? "" : String(row.samples.length),
    row.skipped ?? (row.ratio === undefined || row.engine === ours ? "" : `${row.ratio.toFixed(2)}×`),
    row.engine === ours ? "" : row.error.toExponential(0),
  ]);
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${adapter} in ${browser}; WASM with ${threads} threads; ${peers.join(", ")}${interrupted ? "; stopped before its end" : ""}`,
    "Medians of runs in turn, input and output in host memory. Above 1: repaint-webgpu is faster.",
    "",
    table(columns, cells),
  ].join("\n");
}
