/** A page of an embedder: the public API on this browser's own adapter. */
import { RePaint, type Mask, type Picture } from "../../src/index.ts";

interface Job {
  readonly weights: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly keep: Float32Array;
}

export async function run({ weights, width, height, pixels, keep }: Job) {
  const repaint = await RePaint.load(weights);
  const picture: Picture = { width, height, data: new Uint8ClampedArray(pixels) };
  const mask: Mask = { width, height, data: keep };
  const sampling = { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 } as const;
  const steps: number[] = [];
  const inpainting = repaint.inpaint([{ picture, keep: mask, seed: 11n }], { sampling });
  for await (const { step } of inpainting) steps.push(step);
  const { pictures, modelCalls } = await inpainting;
  const given = await drawn(repaint, picture, mask);
  repaint.dispose();
  return { steps, modelCalls, pixels: new Uint8Array(pictures[0]!.data), given };
}

/** By what a picture, or a mask, was given as: the same pixels as from arrays, or why not. */
async function drawn(repaint: RePaint, picture: Picture, keep: Mask): Promise<Record<string, string>> {
  const { width, height } = picture;
  const fill = async (job: object) => {
    const sampling = { sampler: "repaint", steps: 1, jumpLength: 1, resamples: 1 } as const;
    const { pictures } = await repaint.inpaint(Object.assign({ picture, keep, seed: 1 }, job), { sampling });
    // As it is.
    return new ImageData(pictures[0]!.data, width, height).data;
  };
  const expected = String(await fill({}));
  const data = new ImageData(new Uint8ClampedArray(picture.data), width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d")!.putImageData(data, 0, 0);
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext("2d")!.putImageData(data, 0, 0);
  const blob = await offscreen.convertToBlob();
  // Still on its way when it is given.
  const image = Object.assign(new Image(), { src: URL.createObjectURL(blob) });
  // What a page paints: strokes on nothing.
  const strokes = new OffscreenCanvas(width, height);
  const brush = strokes.getContext("2d")!;
  brush.fillStyle = "#0a7";
  for (let i = 0; i < keep.data.length; i++)
    if (keep.data[i]! < 0.5) brush.fillRect(i % width, Math.floor(i / width), 1, 1);
  const unused = document.createElement("canvas");
  unused.width = 0;
  const jobs: Record<string, object> = {
    imageData: { picture: data },
    canvas: { picture: canvas },
    offscreen: { picture: offscreen },
    bitmap: { picture: await createImageBitmap(canvas) },
    image: { picture: image },
    file: { picture: new File([blob], "a.png") },
    strokes: { keep: undefined, fill: strokes },
    empty: { picture: unused },
    text: { picture: new File(["text"], "a.png") },
    missing: { picture: Object.assign(new Image(), { src: "/none.png" }) },
    small: { keep: undefined, fill: new ImageData(2, 2) },
  };
  const seen: Record<string, string> = {};
  for (const [name, job] of Object.entries(jobs))
    seen[name] = await fill(job).then((pixels) => (String(pixels) === expected ? "same" : "other"), String);
  return seen;
}
