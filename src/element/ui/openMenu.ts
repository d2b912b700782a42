/**
 * The ways a picture comes in: a file, the clipboard, the camera, an address. Once on the empty stage, once in a menu.
 */
import { InputError } from "../../errors.ts";
import { takePhoto } from "./camera.ts";
import { addressForm, button, chooseFile, menu } from "./controls.ts";
import { h } from "./dom.ts";
import type { PictureSource } from "./pictureInput.ts";

export interface OpenMenuOptions {
  readonly open: (source: PictureSource) => void;
  readonly fail: (error: unknown) => void;
  /** Where dialogs stand. */
  readonly shadow: ShadowRoot;
}

export function openWays({ open, fail, shadow }: OpenMenuOptions, done: () => void = () => undefined): HTMLElement {
  const way = (get: () => Promise<PictureSource | undefined>) => () => {
    done();
    get().then((source) => source && open(source), fail);
  };
  const form = addressForm({ label: "Address of a picture", placeholder: "https://…", action: "Open" }, (address) => {
    done();
    open(address.value);
    address.value = "";
  });
  return h(
    "div",
    { class: "ways" },
    button({ label: "Choose a file", icon: "open", class: "main", run: way(chooseOne) }),
    button({ label: "Paste", icon: "paste", run: way(fromClipboard) }),
    button({ label: "Camera", icon: "camera", run: way(() => takePhoto(shadow)) }),
    form,
  );
}

export function openMenu(options: OpenMenuOptions): HTMLElement {
  const trigger = button({ label: "Open", icon: "picture", class: "open-button", run: () => undefined });
  let close = (): void => undefined;
  const made = menu(
    trigger,
    openWays(options, () => close()),
  );
  close = made.close;
  return made.root;
}

async function chooseOne(): Promise<File | undefined> {
  return (await chooseFile("image/*"))[0];
}

async function fromClipboard(): Promise<Blob> {
  let items: ClipboardItems;
  try {
    items = await navigator.clipboard.read();
  } catch {
    throw new InputError("This page may not read the clipboard: press Ctrl V (⌘ V) instead, or allow it when asked");
  }
  for (const item of items) {
    const type = item.types.find((one) => one.startsWith("image/"));
    if (type) return item.getType(type);
  }
  throw new InputError("There is no picture in the clipboard: copy one first");
}
