/** Starting a run, how far it is, pausing and stopping it; and what went wrong, in plain words. */
import type { AdapterReport, Estimate, RunProgress } from "../types.ts";
import { button } from "./controls.ts";
import { h } from "./dom.ts";
import type { ModelState } from "./engineSession.ts";
import { countWords, durationWords } from "./words.ts";

interface Handlers {
  readonly run: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly stop: () => void;
}

/** Everything that decides what is shown. */
export interface RunState {
  readonly hasPicture: boolean;
  readonly hasFill: boolean;
  readonly adapter: AdapterReport | undefined;
  readonly model: ModelState;
  readonly estimate: Estimate | Error | undefined;
  readonly progress: RunProgress | undefined;
  readonly disabled: boolean;
}

export class RunPanel {
  readonly root: HTMLElement;
  readonly #start: HTMLButtonElement;
  readonly #pause: HTMLButtonElement;
  readonly #resume: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #bar = h("progress", { class: "bar", max: 1, part: "progress", attributes: { "aria-label": "Progress" } });
  readonly #line = h("p", { class: "run-line" });
  readonly #running: HTMLElement;
  readonly #note = h("div", { class: "note", part: "message", hidden: true });
  readonly #noteText = h("p", {});

  constructor({ run, pause, resume, stop }: Handlers) {
    this.#start = button({ label: "Fill in", icon: "brush", class: "primary", part: "run", run });
    this.#pause = button({ label: "Pause", icon: "pause", part: "pause", run: pause });
    this.#resume = button({ label: "Resume", icon: "play", part: "resume", run: resume });
    this.#stop = button({ label: "Stop", icon: "stop", part: "stop", title: "Stop and keep what there is", run: stop });
    this.#running = h("div", { class: "row" }, this.#pause, this.#resume, this.#stop);
    const close = button({ label: "Dismiss", icon: "close", iconOnly: true, class: "inside", run: () => this.fail(undefined) }); // prettier-ignore
    this.#note.append(this.#noteText, close);
    this.#note.setAttribute("role", "alert");
    this.root = h(
      "section",
      { class: "run", part: "run-panel", attributes: { "aria-label": "Run" } },
      this.#note,
      this.#start,
      this.#bar,
      this.#running,
      this.#line,
    );
  }

  /** Shows what went wrong, or takes it away. */
  fail(message: string | undefined): void {
    this.#note.hidden = message === undefined;
    this.#noteText.textContent = message ?? "";
  }

  update(state: RunState): void {
    const { progress, model, adapter } = state;
    const isRunning = progress !== undefined;
    const hadFocus = this.root.contains((this.root.getRootNode() as ShadowRoot).activeElement);
    this.#start.hidden = isRunning;
    this.#start.disabled = !state.hasPicture || !state.hasFill || state.disabled || adapter?.available === false;
    this.#running.hidden = !isRunning;
    const isPaused = progress?.state === "paused";
    this.#pause.hidden = isPaused;
    this.#resume.hidden = !isPaused;
    this.#pause.disabled = progress?.state !== "running";
    this.#stop.disabled = progress?.state === "stopping";
    // A button that goes away hands its focus to the one that takes its place.
    if (hadFocus && !this.root.querySelector(":focus")) (isRunning ? (isPaused ? this.#resume : this.#pause.disabled ? this.#stop : this.#pause) : this.#start).focus(); // prettier-ignore
    const loading = model.kind === "loading" ? (model.progress ?? "unknown") : undefined;
    this.#bar.hidden = !isRunning;
    if (isRunning) {
      const done = progress.steps > 0 ? progress.step / progress.steps : undefined;
      const share = done ?? (loading && loading !== "unknown" ? loading.doneBytes / loading.totalBytes : undefined);
      if (share === undefined || !Number.isFinite(share)) this.#bar.removeAttribute("value");
      else this.#bar.value = share;
    }
    this.#line.textContent = isRunning ? progressWords(progress, model) : idleWords(state);
    this.#line.classList.toggle(
      "problem",
      adapter?.available === false || (!isRunning && (model.kind === "failed" || state.estimate instanceof Error)),
    );
  }
}

/** "Step 12 of 105 · 46 s left". */
export function progressWords(progress: RunProgress, model: ModelState): string {
  const { state, step, steps, secondsLeft, shaders } = progress;
  if (model.kind === "loading") return "Getting the model …";
  if (state === "preparing") {
    const count = shaders && shaders.done < shaders.total ? `: ${shaders.done} of ${shaders.total} shaders` : "";
    return `Getting ready${count} …`;
  }
  if (state === "recovering") return "The graphics device was lost; carrying on with a new one …";
  const place = `Step ${step.toLocaleString("en-US")} of ${steps.toLocaleString("en-US")}`;
  if (state === "stopping") return `${place} · stopping …`;
  if (state === "paused") return `${place} · paused`;
  return secondsLeft > 0 ? `${place} · ${durationWords(secondsLeft)} left` : place;
}

function idleWords({ hasPicture, hasFill, adapter, model, estimate }: RunState): string {
  if (adapter?.available === false) return adapter.reason;
  if (model.kind === "failed") return `${model.title} did not load.`;
  if (!hasPicture) return "Open a picture to begin.";
  if (!hasFill) return "Paint over what is to be filled in.";
  if (model.kind === "loading") return "The model is on its way.";
  if (!estimate) return model.kind === "loaded" ? "Measuring this device …" : "";
  if (estimate instanceof Error) return estimate.message;
  const { modelCalls, seconds } = estimate;
  return `${countWords(modelCalls, "model call")} · ${seconds < 1 ? "" : "about "}${durationWords(seconds)} here`;
}
