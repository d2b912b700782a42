/** A picture through the model, with everything that a page hears and says meanwhile. */
import { InputError } from "../errors.ts";
import { fillBoxes, union, type Box } from "../pictures/holes.ts";
import type { Mask } from "../pictures/image.ts";
import type { InpaintRun } from "../repaint/inpaintRun.ts";
import { cutBox } from "./cutBox.ts";
import type { Requests } from "./messages.ts";
import type { ModelHolder } from "./modelHolder.ts";
import type { Task } from "./task.ts";
import type { InpaintRequest, RunProgress, RunState } from "./types.ts";

/** Milliseconds between two words of how many shaders are compiled. */
const preparingInterval = 250;

/** Each is held at the size of the input. */
const mostVariations = 64;

export async function inpaintPicture(
  model: ModelHolder,
  request: InpaintRequest,
  task: Task,
): Promise<Requests["inpaint"]["answers"]> {
  const { repaint } = model;
  const { picture, keep, seed, count = 1 } = request;
  if (!Number.isInteger(count) || count < 1 || count > mostVariations)
    throw new InputError(`count: expected a whole number from 1 to ${mostVariations}, got ${count}`);
  const seeds = Array.from({ length: count }, (_, index) => BigInt.asUintN(64, seed + BigInt(index)));
  let secondsPerImage: number | undefined;
  let latest: Omit<RunProgress, "state"> = { step: 0, steps: 0, secondsPerStep: 0, secondsLeft: 0 };
  let told: RunState | undefined;
  const tell = (state: RunState) => {
    told = state;
    const shaders = state === "preparing" ? { ...repaint.unet.device.pipelines.counts } : undefined;
    task.emit({ kind: "progress", progress: { state, ...latest, shaders } });
  };
  const run = repaint.inpaint(
    seeds.map((one) => ({ picture, keep, seed: one, class: request.class })),
    {
      sampling: request.sampling,
      region: request.region,
      feather: request.feather,
      detail: request.detail,
      classifierScale: request.classifierScale ?? model.classifierScale,
      previewSeconds: request.previewSeconds,
      signal: task.signal,
      onDeviceLost: () => tell("recovering"),
      onPicture: (index, result, reached) => {
        if (reached === "nothing") return;
        const variation = { index, seed: seeds[index]!, picture: result, reached };
        task.emit({ kind: "variation", variation }, [result.data.buffer as ArrayBuffer]);
      },
    },
  );
  tell("preparing");
  const preparing = setInterval(() => told === "preparing" && tell(told), preparingInterval);
  let stopped = false;
  task.listen((control) => {
    stopped ||= control.kind === "stop";
    act(run, control);
    if (control.kind === "resume") tell("running");
    if (control.kind === "stop") tell("stopping");
  });
  const box = fillBox(keep);
  try {
    for await (const { step, steps, images, secondsPerStep, secondsLeft, previews } of run) {
      latest = { step, steps, secondsPerStep, secondsLeft };
      if (step > 2) secondsPerImage = secondsPerStep / images;
      if (box)
        for (const [index, whole] of previews ?? []) {
          const part = cutBox(whole, box);
          const preview = { index, seed: seeds[index]!, step, x: box.x, y: box.y, picture: part };
          task.emit({ kind: "preview", preview }, [part.data.buffer as ArrayBuffer]);
        }
      tell(stopped ? "stopping" : run.paused ? "paused" : "running");
    }
  } finally {
    clearInterval(preparing);
  }
  const { modelCalls, seconds, reached } = await run;
  // On a GPU images of a batch share their time: it tells nothing of a call for one.
  if (repaint.unet.device.kind === "cpu") model.secondsPerCall = secondsPerImage ?? model.secondsPerCall;
  return { modelCalls, seconds, stopped: reached.some((how) => how !== "result") };
}

function act(run: InpaintRun, control: Parameters<Parameters<Task["listen"]>[0]>[0]): void {
  if (control.kind === "previews") run.setPreviews(control.seconds);
  else run[control.kind]();
}

/** Around all that is to be filled. */
function fillBox(keep: Mask): Box | undefined {
  const [first, ...more] = fillBoxes(keep);
  return first && more.reduce(union, first);
}
