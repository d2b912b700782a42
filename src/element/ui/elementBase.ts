/** What the element has because its attributes are properties, too, and its events are typed. Not here: what they do. */
import type { RepaintEventMap } from "./events.ts";

/** Where there are no elements (Node), the module can be imported all the same. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

type Listener<Name extends keyof RepaintEventMap> = (event: RepaintEventMap[Name]) => unknown;

export class ElementBase extends Base {
  get src(): string {
    return this.getAttribute("src") ?? "";
  }

  set src(value: string | null) {
    this.#set("src", value);
  }

  get mask(): string {
    return this.getAttribute("mask") ?? "";
  }

  set mask(value: string | null) {
    this.#set("mask", value);
  }

  get model(): string {
    return this.getAttribute("model") ?? "";
  }

  set model(value: string | null) {
    this.#set("model", value);
  }

  get preset(): string {
    return this.getAttribute("preset") ?? "";
  }

  set preset(value: string | null) {
    this.#set("preset", value);
  }

  get theme(): string {
    return this.getAttribute("theme") ?? "";
  }

  set theme(value: string | null) {
    this.#set("theme", value);
  }

  get name(): string {
    return this.getAttribute("name") ?? "";
  }

  set name(value: string | null) {
    this.#set("name", value);
  }

  get disabled(): boolean {
    return this.hasAttribute("disabled");
  }

  set disabled(value: boolean) {
    this.toggleAttribute("disabled", value);
  }

  get required(): boolean {
    return this.hasAttribute("required");
  }

  set required(value: boolean) {
    this.toggleAttribute("required", value);
  }

  #set(name: string, value: string | null): void {
    if (value === null || value === undefined) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }

  override addEventListener<Name extends keyof RepaintEventMap>(
    name: Name,
    listener: Listener<Name>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(name: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(name, listener as EventListener, options);
  }
}
