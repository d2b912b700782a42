/** Where the picture stands, or is asked for: the empty state, dropping, the view's buttons, the list of keys. */
import { button, menu } from "./controls.ts";
import { keyWords, type Command } from "./commands.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";
import { otherKeys } from "./keyboard.ts";
import type { Surface } from "./surface.ts";
import type { Workspace } from "./workspace.ts";

interface Parts {
  readonly workspace: Workspace;
  readonly surface: Surface;
  readonly commands: readonly Command[];
  /** Zoom and fit. */
  readonly view: HTMLElement;
  readonly ways: HTMLElement;
  /** The canvas's edges. */
  readonly edges: HTMLElement;
}

export class Stage {
  readonly root: HTMLElement;
  readonly #offer = h("div", { class: "offer", part: "message", hidden: true });
  readonly #busy = h("div", { class: "busy", hidden: true }, "Opening …");

  constructor({ workspace, surface, commands, view, ways, edges }: Parts) {
    const empty = h(
      "div",
      { class: "empty", part: "empty" },
      h("span", { class: "empty-icon" }, icon("picture")),
      h("p", { class: "empty-title" }, "Drop a picture here"),
      h("p", { class: "empty-text" }, "It stays on this device: everything is computed here."),
      ways,
      h("slot", { name: "examples" }),
    );
    const zoom = h("output", { class: "zoom" });
    surface.onView = () => (zoom.value = `${Math.round(surface.view.scale * 100)} %`);
    view.prepend(this.#keys(commands));
    view.append(zoom);
    this.root = h("div", { class: "stage", part: "stage" }, surface.root, edges, empty, this.#offer, this.#busy);
    const show = (): void => {
      const hasPicture = workspace.picture !== undefined;
      view.hidden = !hasPicture;
      empty.hidden = hasPicture;
      this.offer(undefined);
    };
    workspace.on("picture", show);
    show();
  }

  /** Files and addresses may be dropped anywhere on `target`; the stage shows where they go. */
  acceptDrops(target: HTMLElement, onDrop: (transfer: DataTransfer) => void): void {
    let depth = 0;
    const over = (isOver: boolean): void => void this.root.classList.toggle("drop", isOver);
    target.addEventListener("dragenter", (event) => {
      event.preventDefault();
      depth++;
      over(true);
    });
    target.addEventListener("dragleave", () => over(--depth > 0));
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    });
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      depth = 0;
      over(false);
      if (event.dataTransfer) onDrop(event.dataTransfer);
    });
  }

  set busy(isBusy: boolean) {
    this.#busy.hidden = !isBusy;
  }

  /** Something that may be done with this picture. undefined: nothing. */
  offer(offer: { readonly words: string; readonly label: string; readonly run: () => void } | undefined): void {
    this.#offer.hidden = offer === undefined;
    if (!offer) return this.#offer.replaceChildren();
    const end = (): void => this.offer(undefined);
    const yes = button({
      label: offer.label,
      class: "strong",
      run: () => {
        end();
        offer.run();
      },
    });
    this.#offer.replaceChildren(h("span", {}, offer.words), yes, button({ label: "No", class: "quiet", run: end }));
  }

  #keys(commands: readonly Command[]): HTMLElement {
    const row = (keys: string, what: string) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what)];
    const panel = h(
      "div",
      { class: "keys", id: "keys" },
      h("p", { class: "menu-title" }, "Keys, while the picture has the focus"),
      h(
        "dl",
        {},
        ...otherKeys.flatMap(([keys, what]) => row(keys, what)),
        ...commands.flatMap(({ keys, label }) => (keys[0] ? row(keyWords(keys[0]), label.toLowerCase()) : [])),
      ),
    );
    const made = menu(button({ label: "Keys", icon: "keyboard", iconOnly: true, run: () => undefined }), panel);
    made.root.classList.add("up");
    // Long enough to be scrolled, which keys can do only where they can go.
    panel.tabIndex = 0;
    return made.root;
  }
}
