/** Making elements in one expression. Without markup, so that no content security policy minds. */

type Props<Tag extends keyof HTMLElementTagNameMap> = {
  readonly [Name in keyof HTMLElementTagNameMap[Tag]]?: HTMLElementTagNameMap[Tag][Name];
};

interface Extras {
  readonly class?: string;
  /** CSS part. */
  readonly part?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: { readonly [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };
}

type Child = Node | string | false | undefined;

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options?: Extras & Omit<Props<Tag>, "part" | "attributes">,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const {
    class: className,
    part,
    attributes = {},
    on = {},
    ...props
  } = (options ?? {}) as Extras & Record<string, unknown>;
  const element = document.createElement(tag);
  Object.assign(element, props);
  if (className) element.className = className;
  if (part) element.setAttribute("part", part);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener as EventListener);
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Calls at most once a frame, with what was asked for last. */
export function onNextFrame(body: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      body();
    });
  };
}

/** Calls when nobody has asked for `milliseconds`. */
export function afterQuiet(milliseconds: number, body: () => void): { (): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (): void => {
    clearTimeout(timer);
    timer = setTimeout(body, milliseconds);
  };
  return Object.assign(ask, { cancel: () => clearTimeout(timer) });
}

/** Lets the page do what waits. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
