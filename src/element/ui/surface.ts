/**
 * The picture on the stage: canvases one over the other (picture, result, mask), moved and scaled by the compositor, so that
 * a stroke redraws only what it touched. Not here: what moves it (pointer.ts, keyboard.ts), what is drawn (workspace.ts).
 */
import { union, type Box } from "../../repaint/holes.ts";
import type { Picture } from "../../repaint/image.ts";
import type { RunPreview } from "../types.ts";
import { h, onNextFrame, svg } from "./dom.ts";
import type { Point } from "./maskOperations.ts";
import type { Tools } from "./tools.ts";
import { centred, fit, panned, showing, toPicture, toStage, zoomAt, type Size, type View } from "./viewport.ts";
import type { Result, Workspace } from "./workspace.ts";

/** Larger pixels than this are shown as squares. */
const squareFrom = 3;

/** Of what is inside the mask and of its edge, 0 … 255. */
const alpha = { inside: 128, edge: 235 };

export class Surface {
  /** What takes the focus and the pointers. */
  readonly root: HTMLElement;
  readonly #workspace: Workspace;
  readonly #tools: Tools;
  readonly #sheet: HTMLElement;
  readonly #base = h("canvas", { class: "layer" });
  readonly #result = h("canvas", { class: "layer result" });
  readonly #mask = h("canvas", { class: "layer mask" });
  readonly #divider = h("div", { class: "divider", hidden: true });
  readonly #ring = h("div", { class: "ring", hidden: true });
  readonly #outline = svg("path", { class: "outline" });
  readonly #overlay: SVGSVGElement;
  #view: View = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  #size: Size = { width: 1, height: 1 };
  #dirty: Box | undefined;
  #cursor: Point | undefined;
  #outlined: readonly Point[] | undefined;
  #preview = false;
  /** Where the result begins, 0 … 1 of the width; undefined: it covers all. */
  #split: number | undefined;
  #onView: (() => void) | undefined;
  /** Hears of every move of the dividing line. */
  onSplit: (() => void) | undefined;

  constructor(workspace: Workspace, tools: Tools) {
    this.#workspace = workspace;
    this.#tools = tools;
    this.#overlay = svg("svg", { class: "overlay", "aria-hidden": "true" }, this.#outline);
    this.#sheet = h("div", { class: "sheet", part: "picture" }, this.#base, this.#result, this.#mask, this.#divider);
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
      this.#sheet,
      this.#overlay,
      this.#ring,
    );
    workspace.on("picture", (picture) => this.#show(picture));
    workspace.on("mask", (box) => this.#maskChanged(box));
    workspace.on("chosen", () => this.#showChosen());
    workspace.on("locked", () => this.#layers());
    tools.on("size", () => this.#draw());
    tools.on("tool", () => this.#draw());
    tools.on("outline", (points) => {
      this.#outlined = points;
      this.#draw();
    });
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
    if (picture) this.#setView(fit(picture, this.#size, this.#margin));
  }

  /** A pixel of the picture becomes one of the page. */
  actualSize(): void {
    const { picture } = this.#workspace;
    this.#fitted = false;
    if (picture) this.#setView(centred(picture, this.#size, 1));
  }

  get #margin(): number {
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

  /** All of the picture with a result in it, small. */
  thumbnail({ patch, x, y }: Result, side: number): HTMLCanvasElement {
    const { width, height } = this.#base;
    const scale = side / Math.min(width, height);
    const canvas = h("canvas", { width: side, height: side });
    const context = canvas.getContext("2d")!;
    // The middle square.
    context.translate((side - width * scale) / 2, (side - height * scale) / 2);
    context.scale(scale, scale);
    context.drawImage(this.#base, 0, 0);
    const part = new OffscreenCanvas(patch.width, patch.height);
    part.getContext("2d")!.putImageData(toImageData(patch), 0, 0);
    context.drawImage(part, x, y);
    return canvas;
  }

  /** The tint of the mask is the page's choice: read again. */
  restyle(): void {
    this.#tint = undefined;
    this.#maskChanged({ x: 0, y: 0, ...this.#workspace.mask });
  }

  #show(picture: Picture | undefined): void {
    const { width, height } = picture ?? { width: 1, height: 1 };
    for (const canvas of [this.#base, this.#result, this.#mask]) Object.assign(canvas, { width, height });
    this.#sheet.style.width = `${width}px`;
    this.#sheet.style.height = `${height}px`;
    this.#sheet.hidden = !picture;
    if (picture) this.#base.getContext("2d")!.putImageData(toImageData(picture), 0, 0);
    this.#preview = false;
    this.#cursor = undefined;
    this.#maskChanged({ x: 0, y: 0, width, height });
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
    this.#mask.classList.toggle("faint", hasResult);
    const split = hasResult ? this.#split : undefined;
    this.#result.style.clipPath = split === undefined ? "" : `inset(0 0 0 ${100 * split}%)`;
    this.#divider.hidden = split === undefined;
    this.#divider.style.left = `${100 * (split ?? 0)}%`;
    this.root.classList.toggle("comparing", split !== undefined);
    this.#draw();
  }

  #maskChanged(box: Box): void {
    this.#dirty = this.#dirty ? union(this.#dirty, box) : box;
    this.#drawMask();
  }

  #tint: readonly [number, number, number] | undefined;

  readonly #drawMask = onNextFrame(() => {
    const box = this.#dirty;
    this.#dirty = undefined;
    const { width, height, data } = this.#workspace.mask;
    if (!box || box.width === 0 || width !== this.#mask.width) return;
    const [red, green, blue] = (this.#tint ??= this.#readTint());
    // An edge depends on its neighbours.
    const [left, top] = [Math.max(0, box.x - 1), Math.max(0, box.y - 1)];
    const [right, bottom] = [Math.min(width, box.x + box.width + 1), Math.min(height, box.y + box.height + 1)];
    const image = new ImageData(right - left, bottom - top);
    let to = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++, to += 4) {
        const i = y * width + x;
        if (data[i] === 0) continue;
        const isEdge =
          (x > 0 && data[i - 1] === 0) ||
          (x + 1 < width && data[i + 1] === 0) ||
          (y > 0 && data[i - width] === 0) ||
          (y + 1 < height && data[i + width] === 0);
        image.data[to] = red;
        image.data[to + 1] = green;
        image.data[to + 2] = blue;
        image.data[to + 3] = isEdge ? alpha.edge : alpha.inside;
      }
    this.#mask.getContext("2d")!.putImageData(image, left, top);
  });

  #readTint(): readonly [number, number, number] {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
    context.fillStyle = getComputedStyle(this.#mask).color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return [red!, green!, blue!];
  }

  #resized(): void {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (width === 0 || height === 0) return;
    const [dx, dy] = [(width - this.#size.width) / 2, (height - this.#size.height) / 2];
    this.#size = { width, height };
    if (this.#fitted) this.fit();
    else this.pan({ x: dx, y: dy });
  }

  #setView(view: View): void {
    this.#view = view;
    this.#draw();
    this.#onView?.();
  }

  readonly #draw = onNextFrame(() => {
    const { scale, x, y } = this.#view;
    this.#sheet.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.#sheet.classList.toggle("squares", scale >= squareFrom);
    // The divider is in the sheet and must not grow with it.
    this.#divider.style.setProperty("--unscale", String(1 / scale));
    const points = this.#outlined?.map((point) => toStage(this.#view, point));
    this.#outline.setAttribute("d", points ? `M${points.map((point) => `${point.x} ${point.y}`).join("L")}Z` : "");
    const cursor = this.#split === undefined && !this.#workspace.locked ? this.#cursor : undefined;
    this.#ring.hidden = cursor === undefined || !this.#workspace.picture;
    if (!cursor) return;
    const at = toStage(this.#view, cursor);
    const diameter = this.#tools.hasSize ? Math.max(this.#tools.size * scale, 6) : 18;
    this.#ring.classList.toggle("cross", !this.#tools.hasSize);
    this.#ring.style.width = this.#ring.style.height = `${diameter}px`;
    this.#ring.style.transform = `translate(${at.x - diameter / 2}px, ${at.y - diameter / 2}px)`;
  });
}

function toImageData({ width, height, data }: Picture): ImageData {
  return new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height);
}
