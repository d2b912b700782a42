/**
 * Which classifier guides the model: the shipped one, a file, an address, or none. Not here: its scale
 * (settingsPanel.ts).
 */
import { shippedClassifiers } from "../../repaint/shipped.ts";
import type { ModelSource } from "../types.ts";
import { addressForm, button, chooseWeights } from "./controls.ts";
import { h } from "./dom.ts";
import type { EngineSession } from "./engineSession.ts";
import { byteWords, countWords } from "./words.ts";

interface WantedGuide {
  /** undefined: none. */
  readonly classifier: ModelSource | undefined;
  readonly classifierFlags?: File | undefined;
}

interface Handlers {
  readonly session: EngineSession;
  readonly choose: (wanted: WantedGuide) => void;
}

export class GuidePicker {
  readonly root: HTMLFieldSetElement;
  readonly #choose: Handlers["choose"];
  readonly #state = h("p", { class: "guide-state" });
  readonly #none: HTMLButtonElement;

  constructor({ session, choose }: Handlers) {
    this.#choose = choose;
    const shipped = Object.values(shippedClassifiers).map(
      ({ title, bytes }) =>
        button({ label: `${title}, shipped, ${byteWords(bytes)}`, icon: "chip", run: () => choose({ classifier: { shipped: title } }) }), // prettier-ignore
    );
    this.#none = button({ label: "Without a classifier", icon: "close", run: () => choose({ classifier: undefined }) });
    this.root = h(
      "fieldset",
      { class: "model-ways", part: "guidance" },
      h("legend", { class: "menu-title" }, "Guidance by a classifier"),
      this.#state,
      ...shipped,
      button({ label: "Open a classifier’s file", icon: "open", run: () => void this.#chooseFile() }),
      addressForm(
        { label: "Address of a classifier", placeholder: "https://…/classifier.safetensors", action: "Load" },
        ({ value }) => choose({ classifier: new URL(value) }),
      ),
      this.#none,
    );
    const show = (): void => {
      const guide = session.model.kind === "loaded" ? session.model.info.classifier : null;
      this.#state.textContent = guide
        ? `${guide.title} draws every step towards one of ${countWords(guide.classes, "class", "classes")} and takes ${byteWords(guide.memoryBytes)} of the memory above.`
        : "It draws every step towards a class. What that takes, in time and memory, is said before a run.";
      this.#none.hidden = !guide;
    };
    session.on("model", show);
    show();
  }

  async #chooseFile(): Promise<void> {
    const chosen = await chooseWeights();
    if (chosen) this.#choose({ classifier: chosen.weights, classifierFlags: chosen.flags });
  }
}
