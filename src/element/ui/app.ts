/**
 * The parts of the element put together in its shadow root, and what goes between them. Not here: attributes,
 * properties and the form (element.ts), which are what a page sees.
 */
import { InputError, InterruptedError, NoAdapterError, RePaintError } from "../../errors.ts";
import { drawKeepMask, type MaskPattern } from "../../pictures/masks.ts";
import type { AdapterReport, Estimate, InpaintResult } from "../types.ts";
import { cutBox } from "../cutBox.ts";
import { CanvasEdges } from "./canvasEdges.ts";
import { createCommands, filledWords } from "./commands.ts";
import { chooseFile, keepFocus } from "./controls.ts";
import { afterQuiet, h, nextTask } from "./dom.ts";
import { EngineSession } from "./engineSession.ts";
import type { RepaintEvents } from "./events.ts";
import { KeyboardInput } from "./keyboard.ts";
import { readMask, transparentParts } from "./maskFiles.ts";
import { fromKeep, toKeep, type FillMask } from "./maskOperations.ts";
import { ModelPicker } from "./modelPicker.ts";
import { openMenu, openWays } from "./openMenu.ts";
import { modelIn, pictureIn, readPicture, type PictureSource } from "./pictureInput.ts";
import { PointerInput } from "./pointer.ts";
import { Requests } from "./requests.ts";
import { ResultFiles } from "./resultFiles.ts";
import { progressWords, RunPanel } from "./runPanel.ts";
import { SettingsPanel } from "./settingsPanel.ts";
import { Stage } from "./stage.ts";
import { Strip } from "./strip.ts";
import { Surface } from "./surface.ts";
import { Toolbar } from "./toolbar.ts";
import { Tools } from "./tools.ts";
import { durationWords } from "./words.ts";
import { Workspace } from "./workspace.ts";

type Tell = <Name extends keyof RepaintEvents>(name: Name, detail: RepaintEvents[Name]) => void;

export class App {
  readonly workspace = new Workspace();
  readonly session = new EngineSession();
  readonly settings = new SettingsPanel();
  readonly tools = new Tools(this.workspace);
  readonly requests = new Requests();
  readonly surface = new Surface(this.workspace, this.tools);
  readonly files: ResultFiles;
  readonly root: HTMLElement;
  readonly #tell: Tell;
  readonly #live = h("div", { class: "visually-hidden", attributes: { role: "status", "aria-live": "polite" } });
  readonly #run: RunPanel;
  readonly #model: ModelPicker;
  readonly #stage: Stage;
  #adapter: AdapterReport | undefined;
  #estimate: Estimate | Error | undefined;
  #disabled = false;
  /** Until then nothing heavy is downloaded, unless it is used. */
  #isNear = false;
  #opening: AbortController | undefined;
  /** Share of the run that was read out last. */
  #said = 0;

  constructor(shadow: ShadowRoot, tell: Tell) {
    this.#tell = tell;
    const { workspace, tools, surface, session } = this;
    const say = (words: string): void => this.say(words);
    const commands = createCommands({ workspace, tools, surface });
    const pointer = new PointerInput(surface, tools);
    const keyboard = new KeyboardInput({ workspace, tools, surface, pointer, commands, say });
    const fail = (error: unknown): void => this.fail(error);
    this.files = new ResultFiles({ workspace, say, fail });
    const ways = { open: (source: PictureSource) => this.#openForUser(source), fail, shadow };
    const toolbar = new Toolbar({
      workspace,
      tools,
      commands,
      say,
      open: openMenu(ways),
      onPattern: (pattern) => this.generateMask(pattern),
      onUpload: () => void this.#uploadMask(),
      onDownload: () => void this.files.downloadMask(),
    });
    const edges = new CanvasEdges({ workspace, tools, surface, say, fail });
    this.#stage = new Stage({
      workspace,
      surface,
      commands,
      edges: edges.root,
      view: toolbar.view,
      ways: openWays(ways),
    });
    const strip = new Strip({
      workspace,
      surface,
      say,
      onDownload: () => void this.files.download(),
      onCopy: () => void this.files.copy(),
      onUse: () => this.useResult(),
    });
    this.#run = new RunPanel({
      run: () => void this.run().catch(() => undefined),
      pause: () => session.pause(),
      resume: () => session.resume(),
      stop: () => session.stop(),
    });
    this.#model = new ModelPicker({ session, fail, choose: (wanted) => this.chooseModel(wanted) });
    const panel = h(
      "div",
      { class: "panel", part: "panel" },
      this.#run.root,
      this.settings.preview,
      this.settings.root,
      this.#model.root,
    );
    const main = h(
      "div",
      { class: "middle" },
      toolbar.root,
      edges.fields,
      h("div", { class: "stage-box" }, this.#stage.root, toolbar.view),
      strip.root,
    );
    this.root = h("div", { class: "frame", part: "frame" }, main, panel, this.#live);
    this.#stage.acceptDrops(this.root, (transfer) => this.take(transfer));
    this.root.addEventListener("mousedown", keepFocus);
    this.root.addEventListener("keydown", (event) => keyboard.anywhere(event));
    this.#listen();
    this.#update();
  }

  #listen(): void {
    const { workspace, session, settings, surface } = this;
    const tell = this.#tell;
    workspace.on("picture", (picture) => {
      this.#run.fail(undefined);
      if (picture) this.#prepare();
      this.#tell("picture", picture ? { width: picture.width, height: picture.height } : null);
      this.#changed();
    });
    workspace.on("history", () => this.#changed());
    settings.on("settings", (changed) => {
      const { previewSeconds, precision } = changed;
      session.setPreviews(previewSeconds);
      session.adjustEstimate(changed);
      if (precision !== session.precision && session.model.kind === "loaded" && !session.progress) this.#load();
      this.#changed();
    });
    session.on("adapter", (adapter) => {
      const isNews = this.#adapter?.available !== adapter.available;
      this.#adapter = adapter;
      this.#update();
      // It stands below the button that starts a run, for as long as it is so.
      if (isNews && !adapter.available)
        tell("error", { error: new NoAdapterError(adapter.reason), message: adapter.reason });
    });
    session.on("model", (model) => {
      if (model.kind === "loaded") {
        settings.setModel(model.info);
        this.#tell("model", model.info);
        this.#changed();
      } else if (model.kind === "loading" && model.progress) this.#tell("loading", model.progress);
      this.#update();
    });
    session.on("estimate", (estimate) => {
      this.#estimate = estimate;
      this.#update();
    });
    session.on("preview", (preview) => {
      if (preview.index === this.#shown) surface.showPreview(preview);
      this.#tell("preview", preview);
    });
    session.on("progress", (progress) => {
      workspace.lock(progress !== undefined);
      settings.disabled = this.#model.disabled = progress !== undefined || this.#disabled;
      const calls = settings.modelCalls;
      settings.setProgress(progress && progress.step > 0 ? ((progress.step - 1) % calls) + 1 : undefined);
      if (progress) {
        this.#announce();
        this.#tell("progress", progress);
      } else this.#estimateSoon();
      this.#update();
    });
  }

  /** Which variation is seen while it is made: the one that is under way. */
  #shown = 0;

  #announce(): void {
    const progress = this.session.progress!;
    const share = progress.steps > 0 ? progress.step / progress.steps : 0;
    const isNews = progress.state !== "running" || share >= this.#said + 0.1 || share < this.#said;
    if (!isNews) return;
    this.#said = share;
    // Counts are for the eye.
    this.say(progressWords({ ...progress, shaders: undefined }, this.session.model));
  }

  /** The picture, or where one is asked for. */
  focus(options?: FocusOptions): void {
    const { picture } = this.workspace;
    (picture ? this.surface.root : this.root.querySelector<HTMLElement>(".empty button"))?.focus(options);
  }

  say(words: string): void {
    if (this.#live.textContent !== words) this.#live.textContent = words;
  }

  /** Shown, told to the page; a user's own stop is neither. */
  fail(error: unknown): void {
    if (error instanceof InterruptedError || (error instanceof DOMException && error.name === "AbortError")) return;
    const message = error instanceof RePaintError ? error.message : `Something went wrong: ${String(error)}`;
    this.#run.fail(message);
    this.#tell("error", { error: error instanceof Error ? error : new Error(message), message });
  }

  set disabled(isDisabled: boolean) {
    this.#disabled = isDisabled;
    this.root.inert = isDisabled;
    this.#update();
  }

  #changed(): void {
    this.#update();
    if (!this.session.progress) this.#estimateSoon();
  }

  readonly #estimateSoon = afterQuiet(200, () => {
    const { workspace, session, settings } = this;
    if (session.progress || !workspace.picture) return;
    session.askEstimate(settings.settings, workspace.filled ? toKeep(workspace.mask) : undefined);
  });

  #update(): void {
    const { workspace, session } = this;
    this.#run.update({
      hasPicture: workspace.picture !== undefined,
      hasFill: workspace.filled !== undefined,
      adapter: this.#adapter,
      model: session.model,
      estimate: this.#estimate,
      progress: session.progress,
      disabled: this.#disabled,
    });
  }

  /** The element is about to be seen, or is: the engine may come. */
  approach(): void {
    this.#isNear = true;
    this.#prepare();
  }

  /** Says whether this browser can fill pictures in. Whoever has opened one means to: the model may come. */
  #prepare(): void {
    if (!this.#isNear) return;
    const prepared = ({ available }: AdapterReport) => void (available && this.workspace.picture && this.#load());
    void this.session.askAdapter().then(prepared, (error: unknown) => this.fail(error));
  }

  #load(): void {
    this.session.ready(this.settings.settings.precision).catch((error: unknown) => this.fail(error));
  }

  /**
   * A failure is shown before it is thrown.
   * @throws InputError, or InterruptedError where another one was opened meanwhile
   */
  async open(source: PictureSource, name?: string): Promise<void> {
    this.#opening?.abort();
    const opening = (this.#opening = new AbortController());
    this.#stage.busy = true;
    try {
      if (this.session.progress) throw new InputError("Stop the run before another picture is opened");
      const read = await readPicture(source, opening.signal);
      opening.signal.throwIfAborted();
      if (this.session.progress) throw new InputError("A run was started before the picture was there: open it again");
      this.workspace.setPicture(read.picture, name ?? read.name);
      this.say(`Picture of ${read.picture.width} by ${read.picture.height} pixels`);
      this.#offerTransparent();
    } catch (error) {
      if (opening.signal.aborted) throw new InterruptedError("another picture was opened meanwhile");
      this.fail(error);
      throw error;
    } finally {
      if (this.#opening === opening) this.#stage.busy = false;
    }
  }

  /** Who sees what failed need not be told by a promise. */
  #openForUser(source: PictureSource): void {
    this.requests.forget("picture", "mask");
    this.open(source).catch(() => undefined);
  }

  #offerTransparent(): void {
    const mask = transparentParts(this.workspace.picture!);
    if (!mask) return;
    const words = "Parts of this picture are transparent.";
    this.#stage.offer({ words, label: "Fill them in", run: () => this.#setMask(mask, "transparent parts") });
  }

  #setMask(mask: FillMask, label: string): void {
    this.workspace.choose(undefined);
    this.workspace.replaceMask(mask, label);
    this.say(filledWords(this.workspace.mask));
  }

  /** Something dropped or pasted. True where it was of use. */
  take(transfer: DataTransfer): boolean {
    const model = modelIn(transfer);
    if (model) this.chooseModel({ source: model.model, flags: model.flags });
    const picture = model ? undefined : pictureIn(transfer);
    if (picture) this.#openForUser(picture);
    if (!model && !picture && transfer.files.length > 0)
      this.fail(new InputError(`${transfer.files[0]!.name} is neither a picture nor a model (.safetensors, .pt)`));
    return Boolean(model ?? picture);
  }

  chooseModel(wanted: Parameters<EngineSession["want"]>[0]): void {
    if (this.session.progress) return this.fail(new InputError("Stop the run before another model is loaded"));
    this.#run.fail(undefined);
    this.requests.forget("model");
    this.session.want(wanted);
    this.#load();
  }

  /** The mask of a picture: white is to be filled. @throws InputError */
  async openMask(source: PictureSource): Promise<void> {
    const { picture } = this.workspace;
    if (!picture) throw new InputError("Open a picture before its mask");
    const mask = await readMask(source, picture);
    if (picture === this.workspace.picture) this.#setMask(mask, "mask from a file");
  }

  async #uploadMask(): Promise<void> {
    const [file] = await chooseFile("image/*");
    this.requests.forget("mask");
    if (file) await this.openMask(file).catch((error: unknown) => this.fail(error));
  }

  generateMask(pattern: MaskPattern): void {
    const { width, height } = this.workspace.mask;
    const { seed } = this.settings.settings;
    this.#setMask(fromKeep(drawKeepMask(pattern, { width, height, seed })), pattern);
  }

  /** @throws what the run ends with; it has been shown by then */
  async run(): Promise<InpaintResult> {
    const { workspace, session, settings, surface } = this;
    const box = workspace.filled;
    this.#run.fail(undefined);
    this.#said = this.#shown = 0;
    const began = performance.now();
    const chosen = settings.settings;
    try {
      if (!workspace.picture) throw new InputError("Open a picture first");
      if (!box) throw new InputError("Paint over what is to be filled in first");
      if (session.progress) throw new InputError("A run is under way already: stop it first");
      const { width, height, data } = workspace.picture;
      workspace.choose(undefined);
      const offVariation = session.on("variation", ({ index, seed, picture, reached }) => {
        // Copying most of a large picture holds the page, and saves little.
        const isMost = 2 * box.width * box.height > picture.width * picture.height;
        const part = isMost ? { x: 0, y: 0, picture } : { x: box.x, y: box.y, picture: cutBox(picture, box) };
        const made = { settings: chosen, model: session.model };
        const result = workspace.addResult({ index, seed, reached, ...part, made });
        if (index === 0 || reached === "result") this.#shown = index + 1;
        if (index === 0) surface.showPreview({ ...result, picture: result.patch });
      });
      try {
        const before = workspace.results.length;
        const copy = async () => {
          const picture = { width, height, data: data.slice() };
          await nextTask();
          return { picture, keep: toKeep(workspace.mask) };
        };
        const result = await session.run(copy, chosen);
        const first = workspace.results[Math.min(before, workspace.results.length - result.variations.length)];
        workspace.choose(result.variations.length > 0 ? first : undefined);
        this.say(result.stopped ? "Stopped; the best so far is kept" : `Done in ${durationWords(result.seconds)}`);
        this.#tell("result", result);
        return result;
      } finally {
        offVariation();
        surface.endPreview();
      }
    } catch (error) {
      if (error instanceof InterruptedError)
        this.say(`Stopped after ${durationWords((performance.now() - began) / 1000)}`);
      this.fail(error);
      throw error;
    }
  }

  /** The chosen result takes the picture's place; its mask is empty. */
  useResult(): void {
    const { workspace } = this;
    const whole = workspace.compose();
    if (whole && workspace.chosen) workspace.setPicture(whole, workspace.name);
  }
}
