/** What the element's test page runs: the element, with a worker that can be looked into (elementWorker.ts). */
import type { RepaintInpaint } from "../../src/element/index.ts";
import "../../src/element/index.ts";

declare global {
  /** The element of the test page, by its id. */
  var field: RepaintInpaint;
}

for (const element of document.querySelectorAll("repaint-inpaint"))
  element.worker = () => new Worker(new URL("./elementWorker.ts", import.meta.url), { type: "module" });
