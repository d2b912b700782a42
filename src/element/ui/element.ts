/**
 * `<repaint-inpaint>` as a page sees it: attributes, properties, methods, events, a field of a form. Dependency-free;
 * what is heavy runs in a worker. Not here: its parts (app.ts).
 */
import { InputError } from "../../errors.ts";
import type { Sides } from "../../pictures/extend.ts";
import type { Mask, NewPicture, Picture } from "../../pictures/image.ts";
import type { MaskPattern } from "../../pictures/masks.ts";
import type { InpaintResult, ModelInfo, ModelSource, WorkerFactory } from "../types.ts";
import { App } from "./app.ts";
import {
  attributes,
  readModelSource,
  readSettings,
  settingsOf,
  type AttributeName,
  type SettingsChange,
} from "./attributes.ts";
import type { Settings } from "./engineSession.ts";
import { ElementBase } from "./elementBase.ts";
import { repaintEvents, type RepaintEvents } from "./events.ts";
import { FormValue } from "./formValue.ts";
import { fromKeep, toKeep } from "./maskOperations.ts";
import type { PictureSource } from "./pictureInput.ts";
import { sheets } from "./styles.ts";

interface ModelOptions {
  readonly flags?: File;
  readonly classifier?: ModelSource | string;
  readonly classifierFlags?: File;
}

export class RepaintInpaint extends ElementBase {
  static readonly formAssociated = true;
  static readonly observedAttributes: readonly string[] = Object.keys(attributes);
  readonly #app: App;
  readonly #form: FormValue;
  readonly #shadow: ShadowRoot;
  #isMaskAsked = false;
  /** Attributes that load something and were set while the element was in no page. */
  readonly #waiting = new Set<AttributeName>();
  /**
   * Fires once, when the element is within a screen of being seen: the engine is loaded then, after the page's first
   * paint.
   */
  readonly #nearness = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      this.#nearness.disconnect();
      this.#app.approach();
    },
    { rootMargin: "100%" },
  );

  /** The style sheet's own query of its container does not reach the element itself. */
  readonly #shape = new ResizeObserver(() => {
    const { states } = this.#form.internals;
    if (this.clientWidth < 760) states.add("stacked");
    else states.delete("stacked");
  });

  constructor() {
    super();
    this.#shadow = this.attachShadow({ mode: "open", delegatesFocus: true });
    this.#shadow.adoptedStyleSheets = sheets();
    const tell = <Name extends keyof RepaintEvents>(name: Name, detail: RepaintEvents[Name]): void => {
      for (const event of repaintEvents(name, detail)) this.dispatchEvent(event);
    };
    this.#app = new App(this.#shadow, tell);
    this.#shadow.append(this.#app.root);
    this.#form = new FormValue(this.attachInternals(), this.#app, (value) => tell("change", { value }));
  }

  connectedCallback(): void {
    document.addEventListener("paste", this.#paste);
    for (const name of this.#waiting) this.#apply(name, this.getAttribute(name));
    this.#waiting.clear();
    this.#nearness.observe(this);
    this.#shape.observe(this);
  }

  disconnectedCallback(): void {
    document.removeEventListener("paste", this.#paste);
    this.#nearness.disconnect();
    this.#shape.disconnect();
    // An element that is moved within the page is connected again before this runs.
    setTimeout(() => {
      if (!this.isConnected) this.#app.session.dispose();
    });
  }

  attributeChangedCallback(name: AttributeName, before: string | null, text: string | null): void {
    // A setting may have been changed by other means since: the same text must set it again.
    if (before === text && !settingsOf[name]) return;
    if (/^(src|mask|model|classifier)$/.test(name) && !this.isConnected) this.#waiting.add(name);
    else this.#apply(name, text);
  }

  #apply(name: AttributeName, text: string | null): void {
    try {
      if (name === "src") this.#openSrc(text);
      else if (name === "mask") this.#openMask();
      else if (name === "model" || name === "classifier") this.#chooseModel();
      else if (name === "disabled") this.#app.disabled = text !== null;
      else if (name === "required") this.#form.required = text !== null;
      else if (name === "theme") this.#app.surface.restyle();
      else if (text !== null) this.#app.settings.set(settingsOf[name]?.(text) ?? {});
    } catch (error) {
      this.#app.fail(error);
    }
  }

  #openSrc(text: string | null): void {
    if (text) this.setPicture(text).catch(() => undefined);
    this.#openMask();
  }

  /** Once for `src` and `mask` that are set together, in either order. */
  #openMask(): void {
    if (this.#isMaskAsked) return;
    this.#isMaskAsked = true;
    queueMicrotask(() => {
      this.#isMaskAsked = false;
      const { mask, src } = this;
      if (!mask || (!src && !this.picture)) return;
      this.setMask(mask).catch((error: unknown) => this.#app.fail(error));
    });
  }

  /** What `model` and `classifier` say. */
  #chooseModel(): void {
    const { model, classifier } = this;
    this.#app.requests.forget("model");
    const guide = classifier ? readModelSource(classifier, "classifier") : undefined;
    this.#app.session.want({ source: readModelSource(model || "portraits64"), classifier: guide }, "none");
  }

  /** Pasted pictures are taken wherever in the page nobody else takes them. */
  readonly #paste = (event: ClipboardEvent): void => {
    const [target] = event.composedPath();
    const isTyping = target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.localName)); // prettier-ignore
    if (event.defaultPrevented || isTyping || !this.#isNext() || this.disabled || !event.clipboardData) return;
    if (this.#app.take(event.clipboardData)) event.preventDefault();
  };

  /** Of several elements the one that has the focus, else the first. */
  #isNext(): boolean {
    const focused = document.activeElement?.localName === this.localName ? document.activeElement : null;
    return (focused ?? document.querySelector(this.localName) ?? this) === this;
  }

  override focus(options?: FocusOptions): void {
    this.#app.focus(options);
  }

  formAssociatedCallback(): void {
    this.#form.update();
  }

  formDisabledCallback(isDisabled: boolean): void {
    this.#app.disabled = isDisabled || this.hasAttribute("disabled");
  }

  formResetCallback(): void {
    this.#app.workspace.setResults([]);
  }

  /**
   * Opens a picture in place of the one that is open. A failure is shown, and is an `error` event, too.
   * @throws InputError; InterruptedError where another one was opened meanwhile
   */
  setPicture(source: PictureSource, name?: string): Promise<void> {
    return this.#app.requests.add("picture", this.#app.open(source, name));
  }

  /**
   * Replaces the mask, as a step that can be undone: a keep mask of the picture's size, or a picture that is white
   * where something is to be filled.
   * @throws InputError
   */
  setMask(source: PictureSource | Mask): Promise<void> {
    return this.#app.requests.add("mask", this.#setMask(source));
  }

  async #setMask(source: PictureSource | Mask): Promise<void> {
    await this.#app.requests.picture();
    if (typeof source === "object" && "data" in Object(source) && (source as Mask).data instanceof Float32Array)
      this.#app.workspace.replaceMask(fromKeep(source as Mask), "mask");
    else await this.#app.openMask(source as PictureSource);
  }

  /**
   * How far the canvas is to reach beyond the picture that was opened, in pixels, as a step that can be undone: what it
   * gains is to be filled. What is left out is 0.
   * @throws InputError
   */
  extend(sides: Partial<Sides>): void {
    this.#app.workspace.extend(sides);
  }

  /** One of the paper's six masks, drawn from the seed. */
  generateMask(pattern: MaskPattern): void {
    this.#app.generateMask(pattern);
  }

  /**
   * Loads another model: one that is shipped by its name, a file, an address; with a classifier that guides its runs,
   * or without one.
   * @throws CheckpointError, InputError, NoAdapterError, OutOfMemoryError
   */
  loadModel(source: ModelSource | string, { classifier, ...flags }: ModelOptions = {}): Promise<ModelInfo> {
    const load = async (): Promise<ModelInfo> => {
      const guide = classifier === undefined ? undefined : readModelSource(classifier, "classifier");
      this.#app.session.want({ source: readModelSource(source), classifier: guide, ...flags }, "none");
      return this.#app.session.ready(this.settings.precision);
    };
    return this.#app.requests.add("model", load());
  }

  /**
   * Fills in what is masked, once what was asked for is there. Resolves after a stop, too, with what there is.
   * @throws what went wrong, which is shown: of the run, or of the picture, mask or model that was to be opened for it
   */
  async run(): Promise<InpaintResult> {
    // What was set just now, by attributes too, is asked for first.
    await Promise.resolve();
    await this.#app.requests.settled();
    return this.#app.run();
  }

  /** After the step that is under way. */
  pause(): void {
    this.#app.session.pause();
  }

  resume(): void {
    this.#app.session.resume();
  }

  /** After the step that is under way, with the best estimate so far. */
  stop(): void {
    this.#app.session.stop();
  }

  undo(): void {
    this.#app.workspace.undo();
  }

  redo(): void {
    this.#app.workspace.redo();
  }

  /** The chosen result as a PNG of the picture's size. @throws InputError without one */
  toFile(): Promise<File> {
    return this.#app.files.toFile();
  }

  /** Frees the device, the model and the worker; the next run starts anew. */
  dispose(): void {
    this.#app.session.dispose();
  }

  /** null: none is open. Its pixels are the element's own: not to be written to. */
  get picture(): Picture | null {
    return this.#app.workspace.picture ?? null;
  }

  /** A copy: 1 = known, 0 = to be filled. */
  get keep(): Mask {
    return toKeep(this.#app.workspace.mask);
  }

  /** The picture with the chosen result in it; null: none is chosen. */
  get result(): NewPicture | null {
    const { workspace } = this.#app;
    return (workspace.chosen && workspace.compose()) ?? null;
  }

  /** The chosen result as a file, once it is made: what a form sends. */
  get value(): File | null {
    return this.#form.value;
  }

  get running(): boolean {
    return this.#app.session.progress !== undefined;
  }

  /** Of the run to come. Setting changes those that are given. @throws InputError that names the one that cannot be */
  override get settings(): Settings {
    return this.#app.settings.settings;
  }

  override set settings(change: SettingsChange) {
    this.#app.settings.set(readSettings(change));
  }

  /** The loaded model; null: none is. */
  get modelInfo(): ModelInfo | null {
    const { model } = this.#app.session;
    return model.kind === "loaded" ? model.info : null;
  }

  /**
   * How the engine's worker is made, where the default cannot be (a CDN, say); "page": no worker. To be set before the
   * first use.
   */
  get worker(): WorkerFactory | "page" | undefined {
    return this.#app.session.worker;
  }

  set worker(worker: WorkerFactory | "page" | undefined) {
    this.#app.session.worker = worker;
  }

  get form(): HTMLFormElement | null {
    return this.#form.internals.form;
  }

  get labels(): NodeList {
    return this.#form.internals.labels;
  }

  get validity(): ValidityState {
    return this.#form.internals.validity;
  }

  get validationMessage(): string {
    return this.#form.internals.validationMessage;
  }

  get willValidate(): boolean {
    return this.#form.internals.willValidate;
  }

  checkValidity(): boolean {
    return this.#form.internals.checkValidity();
  }

  reportValidity(): boolean {
    return this.#form.internals.reportValidity();
  }
}

/** @throws InputError where another element has the name */
export function defineRepaintInpaint(name = "repaint-inpaint"): void {
  if (typeof customElements === "undefined") return;
  const there = customElements.get(name);
  if (there && there !== RepaintInpaint) throw new InputError(`<${name}> is another element already`);
  if (!there) customElements.define(name, RepaintInpaint);
}
