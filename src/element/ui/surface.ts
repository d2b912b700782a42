/**
 * The picture on the stage: canvases one over the other (picture, result, mask), moved and scaled by the compositor, so
 * that a stroke redraws only what it touched. Not here: the mask's pixels (maskLayer.ts), what moves it (pointer.ts,
 * keyboard.ts), what is drawn (workspace.ts).
 */
import type { Picture } from "../../pictures/image.ts";
import type { RunPreview } from "../types.ts";
import { h, onNextFrame, svg } from "./dom.ts";
import { MaskLayer } from "./maskLayer.ts";
import type { Point } from "./maskOperations.ts";
import type { Tools } from "./tools.ts";
import { centred, fit, panned, showing, toPicture, toStage, zoomAt, type Size, type View } from "./viewport.ts";
import type { Workspace } from "./workspace.ts";

/** Larger pixels than this are shown as squares. */
const squareFrom = 3;

export class Surface {
  /** What takes the focus and the pointers. */
  readonly root: HTMLElement;
  readonly #workspace: Workspace;
  readonly #tools: Tools;
  readonly #sheet: HTMLElement;
  readonly #base = h("canvas", { class: "layer" });
  readonly #result = h("canvas", { class: "layer result" });
  readonly #mask: MaskLayer;
  /** What stands on the stage and is not scaled: the picture's ground and shadow, the dividing line, the tool. */
  readonly #paper = h("div", { class: "paper" });
  readonly #divider = h("div", { class: "divider", hidden: true });
  readonly #ring = h("div", { class: "ring", hidden: true });
  readonly #outline = svg("path", { class: "outline" });
  readonly #overlay: SVGSVGElement;
  #view: View = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  #size: Size = { width: 1, height: 1 };
  #cursor: Point | undefined;
  #outlined: readonly Point[] | undefined;
  #preview = false;
  /** Where the result begins, 0 … 1 of the width; undefined: it covers all. */
  #split: number | undefined;
  #onView: (() => void) | undefined;
  /** Hears of every move of the dividing line. */
  onSplit: (() => void) | undefined;
  /** Hears of every frame, in which something may stand elsewhere. */
  onDraw: (() => void) | undefined;

  constructor(workspace: Workspace, tools: Tools) {
    this.#workspace = workspace;
    this.#tools = tools;
    this.#mask = new MaskLayer(workspace);
    this.#overlay = svg("svg", { class: "overlay", "aria-hidden": "true" }, this.#outline);
    this.#sheet = h("div", { class: "sheet", part: "picture" }, this.#base, this.#result, this.#mask.canvas);
    this.root = h(
      "div",
      {
        class: "surface",
        part: "surface",
        tabIndex: 0,
        attributes: {
          role: "application",
          "aria-label": "Picture: paint over what is to be filled in",
          "aria-describedby": "keys",
        },
      },
      this.#paper,
      this.#sheet,
      this.#divider,
      this.#overlay,
      this.#ring,
    );
    workspace.on("picture", (picture) => this.#show(picture));
    workspace.on("chosen", () => this.#showChosen());
    workspace.on("locked", () => this.#layers());
    tools.on("size", () => this.#draw());
    // Who takes a tool wants to paint.
    let hasRoom = false;
    tools.on("tool", (tool) => {
      this.split = undefined;
      if (hasRoom !== (tool === "extend")) this.fit();
      hasRoom = tool === "extend";
    });
    tools.on("outline", (points) => {
      this.#outlined = points;
      this.#draw();
    });
    this.root.hidden = true;
    new ResizeObserver(() => this.#resized()).observe(this.root);
  }

  /** Hears of every move and zoom. */
  set onView(listener: () => void) {
    this.#onView = listener;
  }

  get view(): View {
    return this.#view;
  }

  get size(): Size {
    return this.#size;
  }

  /** In pixels; 0 without a picture. */
  get pictureWidth(): number {
    return this.#workspace.picture?.width ?? 0;
  }

  /** Where the tool would touch, in pixels of the picture; undefined: it is not shown. */
  get cursor(): Point | undefined {
    return this.#cursor;
  }

  set cursor(cursor: Point | undefined) {
    this.#cursor = cursor;
    this.#draw();
  }

  get split(): number | undefined {
    return this.#split;
  }

  set split(split: number | undefined) {
    this.#split = split;
    this.#layers();
    this.onSplit?.();
  }

  fit(): void {
    this.#fitted = true;
    const { picture } = this.#workspace;
    if (!picture) return;
    const { width, height } = this.#measure();
    // The view's buttons stand below the picture where there is room for them.
    this.#setView(fit(picture, { width, height: height - (width < 480 ? 0 : 44) }, this.#margin));
  }

  /** A pixel of the picture becomes one of the page. */
  actualSize(): void {
    const { picture } = this.#workspace;
    this.#fitted = false;
    if (picture) this.#setView(centred(picture, this.#size, 1));
  }

  get #margin(): number {
    // Where the canvas can grow.
    if (this.#tools.tool === "extend") return Math.min(this.#size.width, this.#size.height) / 4;
    return Math.min(this.#size.width, this.#size.height) < 480 ? 12 : 28;
  }

  zoom(factor: number, at: Point = { x: this.#size.width / 2, y: this.#size.height / 2 }): void {
    const { picture } = this.#workspace;
    if (!picture) return;
    this.#fitted = false;
    this.#setView(zoomAt(this.#view, at, factor, picture, this.#size));
  }

  pan(by: Point): void {
    const { picture } = this.#workspace;
    if (!picture) return;
    this.#fitted = false;
    this.#setView(panned(this.#view, by, picture, this.#size));
  }

  /** Moves the view if the point is outside of it. */
  reveal(point: Point): void {
    this.#setView(showing(this.#view, point, this.#size, 24));
  }

  /** From coordinates of the window to pixels of the picture. */
  pictureAt({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    return toPicture(this.#view, this.stageAt({ clientX, clientY }));
  }

  stageAt({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const { left, top } = this.root.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  /** A part of the picture as it would be now. */
  showPreview({ x, y, picture }: Pick<RunPreview, "x" | "y" | "picture">): void {
    this.#preview = true;
    this.#put(picture, x, y);
    this.#layers();
  }

  /** Back to what is chosen. */
  endPreview(): void {
    this.#preview = false;
    this.#showChosen();
  }

  /** The tint of the mask is the page's choice: read again. */
  restyle(): void {
    this.#mask.restyle();
  }

  #show(picture: Picture | undefined): void {
    const { width, height } = picture ?? { width: 1, height: 1 };
    this.root.hidden = !picture;
    for (const canvas of [this.#base, this.#result]) Object.assign(canvas, { width, height });
    this.#sheet.style.width = `${width}px`;
    this.#sheet.style.height = `${height}px`;
    this.#sheet.hidden = this.#paper.hidden = !picture;
    if (picture) this.#base.getContext("2d")!.putImageData(toImageData(picture), 0, 0);
    this.#preview = false;
    this.#cursor = undefined;
    this.split = undefined;
    this.fit();
  }

  #showChosen(): void {
    const { chosen } = this.#workspace;
    if (this.#preview && this.#workspace.locked) return;
    if (chosen) this.#put(chosen.patch, chosen.x, chosen.y);
    else this.#split = undefined;
    this.#layers();
    this.onSplit?.();
  }

  #put(picture: Picture, x: number, y: number): void {
    const context = this.#result.getContext("2d")!;
    context.clearRect(0, 0, this.#result.width, this.#result.height);
    context.putImageData(toImageData(picture), x, y);
  }

  #layers(): void {
    const { chosen, locked } = this.#workspace;
    const hasResult = chosen !== undefined || (this.#preview && locked);
    this.#result.hidden = !hasResult;
    this.#mask.canvas.classList.toggle("faint", hasResult);
    const split = hasResult ? this.#split : undefined;
    this.#result.style.clipPath = split === undefined ? "" : `inset(0 0 0 ${100 * split}%)`;
    this.#divider.hidden = split === undefined;
    this.root.classList.toggle("comparing", split !== undefined);
    this.root.classList.toggle("locked", locked);
    this.#draw();
  }

  /** A picture that was just shown has its place before the observer tells it, with the page's next frame. */
  #measure(): Size {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (width > 0 && height > 0) this.#size = { width, height };
    return this.#size;
  }

  #resized(): void {
    const before = this.#size;
    const { width, height } = this.#measure();
    const [dx, dy] = [(width - before.width) / 2, (height - before.height) / 2];
    if (this.#fitted) this.fit();
    else this.pan({ x: dx, y: dy });
  }

  #setView(view: View): void {
    this.#view = view;
    // An edge is of one pixel: in the way where pixels are large.
    this.#mask.hasEdges = view.scale < squareFrom;
    this.#draw();
    this.#onView?.();
  }

  readonly #draw = onNextFrame(() => {
    const { scale, x, y } = this.#view;
    this.#sheet.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.#sheet.classList.toggle("squares", scale >= squareFrom);
    const [width, height] = [this.#base.width * scale, this.#base.height * scale];
    for (const [property, length] of Object.entries({ width, height }))
      this.#paper.style.setProperty(property, `${length}px`);
    this.#paper.style.transform = `translate(${x}px, ${y}px)`;
    this.#divider.style.height = `${height}px`;
    this.#divider.style.transform = `translate(${x + width * (this.#split ?? 0)}px, ${y}px)`;
    const points = this.#outlined?.map((point) => toStage(this.#view, point));
    this.#outline.setAttribute("d", points ? `M${points.map((point) => `${point.x} ${point.y}`).join("L")}Z` : "");
    this.onDraw?.();
    const isPainting = this.#split === undefined && !this.#workspace.locked && this.#tools.tool !== "extend";
    const cursor = isPainting ? this.#cursor : undefined;
    this.#ring.hidden = cursor === undefined || !this.#workspace.picture;
    if (!cursor) return;
    const at = toStage(this.#view, cursor);
    const diameter = this.#tools.hasSize ? Math.max(this.#tools.size * scale, 6) : 18;
    this.#ring.classList.toggle("cross", !this.#tools.hasSize);
    this.#ring.style.width = this.#ring.style.height = `${diameter}px`;
    this.#ring.style.transform = `translate(${at.x - diameter / 2}px, ${at.y - diameter / 2}px)`;
  });
}

export function toImageData({ width, height, data }: Picture): ImageData {
  return new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height);
}
