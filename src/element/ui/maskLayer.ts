/**
 * The mask as a tinted canvas, redrawn once a frame and only where it changed. Not here: where it stands (surface.ts).
 */
import { union, type Box } from "../../pictures/holes.ts";
import { h, onNextFrame } from "./dom.ts";
import type { Workspace } from "./workspace.ts";

/** Of what is inside the mask and of its edge, 0 … 255. */
const alpha = { inside: 140, edge: 235 };

export class MaskLayer {
  readonly canvas = h("canvas", { class: "layer mask" });
  readonly #workspace: Workspace;
  #dirty: Box | undefined;
  #hasEdges = true;
  #tint: readonly [number, number, number] | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    workspace.on("mask", (box) => this.#changed(box));
    workspace.on("picture", () => {
      const { width, height } = workspace.mask;
      Object.assign(this.canvas, { width, height });
    });
  }

  set hasEdges(hasEdges: boolean) {
    if (hasEdges === this.#hasEdges) return;
    this.#hasEdges = hasEdges;
    this.#all();
  }

  /** Its colour is the page's choice: read again. */
  restyle(): void {
    this.#tint = undefined;
    this.#all();
  }

  #all(): void {
    const { width, height } = this.#workspace.mask;
    this.#changed({ x: 0, y: 0, width, height });
  }

  #changed(box: Box): void {
    this.#dirty = this.#dirty ? union(this.#dirty, box) : box;
    this.#draw();
  }

  readonly #draw = onNextFrame(() => {
    const box = this.#dirty;
    this.#dirty = undefined;
    const { width, height, data } = this.#workspace.mask;
    // An edge depends on its neighbours. A box may be of the picture before.
    const [left, top] = [Math.max(0, (box?.x ?? 0) - 1), Math.max(0, (box?.y ?? 0) - 1)];
    const right = Math.min(width, box ? box.x + box.width + 1 : 0);
    const bottom = Math.min(height, box ? box.y + box.height + 1 : 0);
    if (right <= left || bottom <= top) return;
    const [red, green, blue] = (this.#tint ??= this.#readTint());
    const image = new ImageData(right - left, bottom - top);
    let to = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++, to += 4) {
        const i = y * width + x;
        if (data[i] === 0) continue;
        const isEdge =
          this.#hasEdges &&
          ((x > 0 && data[i - 1] === 0) ||
            (x + 1 < width && data[i + 1] === 0) ||
            (y > 0 && data[i - width] === 0) ||
            (y + 1 < height && data[i + width] === 0));
        image.data[to] = red;
        image.data[to + 1] = green;
        image.data[to + 2] = blue;
        image.data[to + 3] = isEdge ? alpha.edge : alpha.inside;
      }
    this.canvas.getContext("2d")!.putImageData(image, left, top);
  });

  #readTint(): readonly [number, number, number] {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
    context.fillStyle = getComputedStyle(this.canvas).color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return [red!, green!, blue!];
  }
}
