/**
 * What the element has because its attributes are properties, too, and its events are typed. Not here: what they do.
 */
import type { SettingsChange } from "./attributes.ts";
import type { Settings } from "./engineSession.ts";
import type { RepaintEventMap } from "./events.ts";

/** Where there are no elements (Node), the module can be imported all the same. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

type Listener<Name extends keyof RepaintEventMap> = (event: RepaintEventMap[Name]) => unknown;

export abstract class ElementBase extends Base {
  abstract get settings(): Settings;
  abstract set settings(change: SettingsChange);

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

  /** Of the run to come, which is a random one until it is set. */
  get seed(): bigint {
    return this.settings.seed;
  }

  set seed(value: bigint | number | string | null) {
    this.#set("seed", value);
  }

  get variations(): number {
    return this.settings.count;
  }

  set variations(value: number | string | null) {
    this.#set("variations", value);
  }

  get precision(): Settings["precision"] {
    return this.settings.precision;
  }

  set precision(value: Settings["precision"] | null) {
    this.#set("precision", value);
  }

  get detail(): Settings["detail"] {
    return this.settings.detail;
  }

  set detail(value: Settings["detail"] | null) {
    this.#set("detail", value);
  }

  /** null: none was chosen. */
  get classLabel(): number | null {
    return this.settings.class ?? null;
  }

  set classLabel(value: number | string | null) {
    this.#set("class-label", value);
  }

  get classifier(): string {
    return this.getAttribute("classifier") ?? "";
  }

  set classifier(value: string | null) {
    this.#set("classifier", value);
  }

  /** null: as is usual of the model. */
  get classifierScale(): number | null {
    return this.settings.classifierScale ?? null;
  }

  set classifierScale(value: number | string | null) {
    this.#set("classifier-scale", value);
  }

  /** Seconds; 0: none. */
  get previews(): number {
    return this.settings.previewSeconds;
  }

  set previews(value: number | "off" | (string & {}) | null) {
    this.#set("previews", value);
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

  #set(name: string, value: string | number | bigint | null): void {
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

  override removeEventListener<Name extends keyof RepaintEventMap>(
    name: Name,
    listener: Listener<Name>,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(name: string, listener: unknown, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(name, listener as EventListener, options);
  }
}
