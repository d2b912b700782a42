/** The benchmark's page: asks what to measure, shows progress and the result. Not here: measuring (thread.ts). */
import { adapterReport } from "../src/element/adapterReport.ts";
import { seconds } from "../src/text/quantities.ts";
import { escapeHtml } from "../src/evaluate/page.ts";
import type { FromThread, StartRequest, ToThread } from "./messages.ts";
import { reportBody, reportPage } from "./report.ts";
import reportStyle from "./report.css?raw";
import { parseResult, type BenchResult } from "./result.ts";
import { comparisonText } from "./text.ts";

function find<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

const form = find<HTMLFormElement>("form");
const start = find<HTMLButtonElement>("button[type=submit]");
const stop = find<HTMLButtonElement>("button[name=stop]");
const downloads = [
  find<HTMLButtonElement>("button[name=json]"),
  find<HTMLButtonElement>("button[name=report]"),
] as const;
const open = find<HTMLInputElement>("input[name=open]");
const running = find<HTMLElement>(".running");
const bar = find<HTMLProgressElement>("progress");
const results = find<HTMLElement>(".results");
const message = find<HTMLElement>(".message");

let measured: BenchResult | undefined;
/** A result from a file, which the measured one is compared with. */
let opened: BenchResult | undefined;
let stopRun: (() => void) | undefined;

async function showAdapter(): Promise<void> {
  const adapter = await adapterReport("page");
  const line = find<HTMLElement>(".adapter");
  if (!adapter.available) {
    line.textContent = adapter.reason;
    line.classList.add("bad");
    return;
  }
  const words = [
    adapter.kind === "cpu" ? "On the processor: slow, and says nothing about a graphics card" : "A graphics card",
    adapter.hasShaderF16 ? "16-bit floats in shaders" : "no 16-bit floats in shaders",
  ];
  line.innerHTML = `${escapeHtml(adapter.name)}<small>${escapeHtml(words.join("; "))}</small>`;
  start.disabled = false;
}

function fail(text: string | undefined): void {
  message.textContent = text ?? "";
  message.hidden = text === undefined;
}

function show(result: BenchResult): void {
  const compared = measured && opened && measured !== opened;
  const comparison = compared
    ? `<h2>Compared with the opened result</h2><pre class="comparison">${escapeHtml(comparisonText(opened!, measured!))}</pre>`
    : "";
  const top = results.querySelector(".scroll")?.scrollTop ?? 0;
  results.innerHTML = `<h2>${escapeHtml(result.adapter)}</h2>${reportBody(result)}${comparison}`;
  results.querySelector(".scroll")?.scrollTo({ top });
  results.hidden = false;
}

function showProgress({ what, done, total, secondsLeft }: Extract<FromThread, { kind: "progress" }>): void {
  bar.max = total;
  bar.value = done;
  find(".what").textContent = `${done} of ${total}: ${what}`;
  find(".left").textContent = secondsLeft === undefined ? "" : `about ${seconds(secondsLeft)} left`;
}

function setRunning(isRunning: boolean): void {
  running.hidden = !isRunning;
  stop.hidden = !isRunning;
  stop.disabled = false;
  start.hidden = isRunning;
  find<HTMLFieldSetElement>("fieldset").disabled = isRunning;
  open.disabled = isRunning;
  for (const button of downloads) button.hidden = isRunning || !measured;
}

function finish(result: BenchResult | undefined): void {
  if (result) measured = result;
  stopRun = undefined;
  setRunning(false);
  start.textContent = "Start again";
  if (result) show(result);
}

/** Shows what a run reports; `withoutWebGpu` is called where the run's thread has none. */
function receive(message: FromThread, withoutWebGpu: () => void): void {
  switch (message.kind) {
    case "progress":
      return showProgress(message);
    case "partial":
      return show({ ...message.result, interrupted: false });
    case "no-webgpu":
      return withoutWebGpu();
    case "failed":
      fail(`The benchmark failed: ${message.message}`);
      return finish(undefined);
    case "done":
      return finish(message.result);
  }
}

/** Runs in a worker, or in this page where workers have no WebGPU. */
function run(request: StartRequest): void {
  const worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
  const onMessage = (message: FromThread): void => {
    if (message.kind !== "progress" && message.kind !== "partial") worker.terminate();
    receive(message, () => void runInPage(request));
  };
  worker.addEventListener("message", ({ data }: MessageEvent<FromThread>) => onMessage(data));
  worker.addEventListener("error", () => onMessage({ kind: "failed", message: "its worker could not be started" }));
  worker.postMessage(request satisfies ToThread);
  stopRun = () => worker.postMessage({ kind: "stop" } satisfies ToThread);
}

async function runInPage(request: StartRequest): Promise<void> {
  const control = new AbortController();
  stopRun = () => control.abort(new Error("stopped"));
  const { runThread } = await import("./thread.ts");
  await runThread(request, control.signal, (message) =>
    receive(message, () => {
      fail("This browser's WebGPU found no adapter.");
      finish(undefined);
    }),
  );
}

function platform(): string {
  const { userAgentData, userAgent } = navigator as Navigator & {
    userAgentData?: { brands: { brand: string; version: string }[]; platform: string };
  };
  const brand = userAgentData?.brands.find(({ brand: name }) => !/not.?a.?brand|chromium/i.test(name));
  if (brand) return `${brand.brand} ${brand.version}, ${userAgentData!.platform}`;
  return userAgent;
}

function download(name: string, text: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  fail(undefined);
  setRunning(true);
  showProgress({ kind: "progress", what: "starting", done: 0, total: 1 });
  run({
    kind: "start",
    quick: given.get("scope") === "quick",
    candidates: given.has("candidates"),
    precision: given.has("half") ? "f16" : "f32",
    platform: platform(),
  });
});

stop.addEventListener("click", () => {
  stop.disabled = true;
  find(".what").textContent = "stopping after this case";
  stopRun?.();
});

const fileName = ({ adapter, date }: BenchResult) =>
  `repaint-webgpu ${adapter} ${date.slice(0, 10)}`.replaceAll(/[^\w.-]+/g, "-").slice(0, 100);
downloads[0].addEventListener("click", () =>
  download(`${fileName(measured!)}.json`, JSON.stringify(measured, undefined, 1), "application/json"),
);
downloads[1].addEventListener("click", () =>
  download(`${fileName(measured!)}.html`, reportPage(measured!, reportStyle), "text/html"),
);

open.addEventListener("change", () => {
  const [file] = open.files ?? [];
  open.value = "";
  if (!file) return;
  fail(undefined);
  file.text().then(
    (text) => {
      try {
        opened = parseResult(text, file.name);
        show(measured ?? opened);
      } catch (error) {
        fail((error as Error).message);
      }
    },
    () => fail(`${file.name} cannot be read`),
  );
});

void showAdapter();
