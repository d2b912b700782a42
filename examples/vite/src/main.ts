import { keepMask, RePaint, type InpaintRun, type Picture } from "repaint-webgpu";
import maskAddress from "repaint-webgpu/weights/examples/8-top.fill.png?url";
import pictureAddress from "repaint-webgpu/weights/examples/8-top.png?url";
import weightsAddress from "repaint-webgpu/weights/portraits64.safetensors?url";

const context = document.querySelector("canvas")!.getContext("2d")!;
const status = document.querySelector("[role=status]")!;
const steps = document.querySelector("input")!;
let run: InpaintRun | undefined;

document.querySelector("#fill")!.addEventListener("click", () => void fill().catch(report));
document.querySelector("#stop")!.addEventListener("click", () => run?.stop());

async function fill(): Promise<void> {
  const repaint = await RePaint.load(new URL(weightsAddress, location.href), {
    onProgress: (done, total) => (status.textContent = `Loading, ${Math.round((100 * done) / total)} %`),
  });
  try {
    const picture = await decode(pictureAddress);
    const keep = keepMask(await decode(maskAddress), "fill"); // white is to be filled
    const sampling = {
      sampler: "repaint" as const,
      steps: steps.valueAsNumber,
      jumpLength: 5,
      resamples: steps.valueAsNumber > 5 ? 5 : 1,
    };
    run = repaint.inpaint([{ picture, keep, seed: 7n }], { sampling, previewSeconds: 0.2 });
    for await (const { step, steps: all, secondsLeft, previews } of run) {
      status.textContent = `${step} of ${all}, ${Math.ceil(secondsLeft)} s left`;
      if (previews) show(previews.get(0)!);
    }
    const { pictures, modelCalls, seconds } = await run;
    show(pictures[0]!);
    status.textContent = `Done: ${modelCalls} calls in ${seconds.toFixed(1)} s`;
  } finally {
    repaint.dispose();
  }
}

async function decode(address: string): Promise<ImageData> {
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
  canvas.drawImage(bitmap, 0, 0);
  return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
}

function show({ width, height, data }: Picture): void {
  context.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
}

function report(error: unknown): void {
  status.textContent = error instanceof Error ? error.message : String(error);
}
