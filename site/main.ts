/** The page: examples at once, the element when its script is there, the figure when it comes into view. */
import langevinSheet from "./assets/run-langevin.jpg?url";
import langevinRun from "./assets/run-langevin.json" with { type: "json" };
import repaintSheet from "./assets/run-repaint.jpg?url";
import repaintRun from "./assets/run-repaint.json" with { type: "json" };
import { showExamples } from "./examples.ts";
import { type RecordedRun, showRun } from "./figure.ts";
import { keepOffline } from "./offline.ts";

for (const [name, run, sheet] of [
  ["repaint", repaintRun, repaintSheet],
  ["langevin", langevinRun, langevinSheet],
] as const)
  showRun(document.querySelector<HTMLElement>(`.run-${name}`)!, run as RecordedRun, sheet);
void showExamples(document.querySelector<HTMLElement>(".examples")!, document.querySelector("repaint-inpaint")!);
keepOffline(document.querySelector<HTMLElement>(".update")!);
