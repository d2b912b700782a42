/** The page: examples at once, the element when its script is there, the figure when it comes into view. */
import { showExamples } from "./examples.ts";
import { showRun } from "./figure.ts";
import { keepOffline } from "./offline.ts";

showRun(document.querySelector<HTMLElement>(".run")!);
void showExamples(document.querySelector<HTMLElement>(".examples")!, document.querySelector("repaint-inpaint")!);
keepOffline(document.querySelector<HTMLElement>(".update")!);
