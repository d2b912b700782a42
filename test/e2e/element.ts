/** What the element's test page runs: the element, and a look at the devices of its worker. */
import "../../src/element/index.ts";
import type { RepaintInpaint } from "../../src/element/index.ts";

declare global {
  /** Of the test page. */
  var field: RepaintInpaint;
}
