/** Small controls that several parts use: buttons with icons, fields, menus that open below a button. */
import { h } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

interface ButtonOptions {
  readonly label: string;
  readonly icon?: IconName;
  /** Only the icon is seen; the label is its name and its tooltip. */
  readonly iconOnly?: boolean;
  readonly class?: string;
  readonly part?: string;
  readonly title?: string;
  readonly run: () => void;
}

export function button(options: ButtonOptions): HTMLButtonElement {
  const { label, icon: name, iconOnly = false, class: extra = "", part, title = iconOnly ? label : "", run } = options;
  return h(
    "button",
    {
      type: "button",
      class: `button ${iconOnly ? "icon-only" : ""} ${extra}`.trim(),
      title,
      part: `button ${part ?? ""}`.trim(),
      attributes: iconOnly ? { "aria-label": label } : {},
      on: { click: run },
    },
    name && icon(name),
    iconOnly ? undefined : h("span", {}, label),
  );
}

/** A control with its label before it and, where it needs one, a word after it. */
export function field(label: string, control: HTMLElement, after?: HTMLElement | string): HTMLElement {
  return h("label", { class: "field" }, h("span", { class: "field-label" }, label), control, after);
}

/** A field for an address with its button; the browser keeps back what is no address. */
export function addressForm(
  { label, placeholder, action }: { readonly label: string; readonly placeholder: string; readonly action: string },
  onSubmit: (address: HTMLInputElement) => void,
): HTMLFormElement {
  const address = h("input", {
    type: "url",
    placeholder,
    required: true,
    class: "address",
    attributes: { "aria-label": label },
  });
  const submit = (event: Event) => {
    event.preventDefault();
    onSubmit(address);
  };
  return h(
    "form",
    { class: "by-address", on: { submit } },
    address,
    h("button", { type: "submit", class: "button", part: "button" }, action),
  );
}

/** A number, whole unless it may be a fraction. `onChange` is given valid ones only; others leave the field marked. */
export function numberField(options: {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly isFraction?: boolean;
  readonly onChange: (value: number) => void;
}): { readonly root: HTMLElement; readonly input: HTMLInputElement } {
  const { label, min, max, isFraction = false, onChange } = options;
  const input = h("input", {
    type: "number",
    min: String(min),
    max: String(max),
    step: isFraction ? "any" : "1",
    required: true,
    class: "number",
    on: {
      input: () => {
        if (input.checkValidity()) onChange(input.valueAsNumber);
      },
    },
  });
  input.inputMode = isFraction ? "decimal" : "numeric";
  return { root: field(label, input), input };
}

/** A button with a panel below it that closes by Escape, by a click elsewhere and by what is chosen in it. */
export function menu(
  trigger: HTMLButtonElement,
  panel: HTMLElement,
  { onOpen }: { readonly onOpen?: () => void } = {},
): { readonly root: HTMLElement; readonly close: () => void } {
  panel.classList.add("menu-panel");
  panel.hidden = true;
  // A click beside its controls stays in it.
  panel.tabIndex = -1;
  trigger.setAttribute("aria-expanded", "false");
  trigger.setAttribute("aria-haspopup", "true");
  const root = h("div", { class: "menu" }, trigger, panel);
  const outside = (event: Event): void => {
    if (!event.composedPath().includes(root)) set(false);
  };
  const set = (isOpen: boolean): void => {
    if (isOpen === !panel.hidden) return;
    panel.hidden = !isOpen;
    trigger.setAttribute("aria-expanded", String(isOpen));
    document[isOpen ? "addEventListener" : "removeEventListener"]("pointerdown", outside, true);
    if (isOpen) onOpen?.();
  };
  trigger.addEventListener("click", () => set(Boolean(panel.hidden)));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    set(false);
    trigger.focus();
  });
  root.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !root.contains(event.relatedTarget)) set(false);
  });
  const close = (): void => {
    const hadFocus = panel.contains((panel.getRootNode() as ShadowRoot).activeElement);
    set(false);
    if (hadFocus) trigger.focus();
  };
  return { root, close };
}

/** Lets people choose files, by the browser's own dialog. */
export function chooseFile(accept: string, options: { multiple?: boolean; capture?: boolean } = {}): Promise<File[]> {
  const input = h("input", { type: "file", accept, multiple: options.multiple ?? false });
  if (options.capture) input.capture = "environment";
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve([...(input.files ?? [])]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

/** A file of weights, and the flags beside it where they are chosen with it. */
export async function chooseWeights(): Promise<{ weights: File; flags: File | undefined } | undefined> {
  const files = await chooseFile(".safetensors,.pt,.pth,.bin,.ckpt,.json", { multiple: true });
  const weights = files.find(({ name }) => !/\.json$/i.test(name));
  return weights && { weights, flags: files.find((file) => file !== weights) };
}

export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  h("a", { href: url, download: name }).click();
  // The download has its own hold on the bytes soon after.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * The element delegates its focus, so that a form can show what is missing; but a click beside its controls must not go
 * to the first of them.
 */
export function keepFocus(event: MouseEvent): void {
  const target = event.target as Element;
  if (!target.closest("button, input, select, summary, a, label, [tabindex], .facts, .released, .note")) event.preventDefault(); // prettier-ignore
}
