/**
 * `repaint lpips`: the distance of images on tensors of a file. How anybody compares an adapter with PyTorch. Formats:
 * a and b [N, 3, H, W] in −1 … 1 in; lpips [N] out.
 */
import { Lpips } from "../../evaluate/lpips.ts";
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { readFloat32, writeSafetensors } from "../../files/safetensors.ts";
import { adapterOption, type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { lpipsOption, withLpips } from "../evaluation/engine.ts";
import { TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { InputError } from "../../errors.ts";
import { adapterName } from "../../engine/adapter.ts";

interface Settings {
  /** Trunk and heads may lie in two files. */
  readonly weights: readonly string[];
  readonly input: string;
  readonly output: string;
  readonly adapter: string | undefined;
  readonly force: boolean;
}

export const lpipsCommand: Command<Settings> = {
  name: "lpips",
  summary: "measure the LPIPS distance of images in a safetensors file",
  options: [
    { ...lpipsOption, name: "weights" },
    { name: "input", value: "F", help: "safetensors with a and b, [N, 3, H, W] in -1 … 1" },
    { name: "output", value: "F", help: "safetensors to write: lpips [N]" },
    adapterOption,
    forceOption,
    jsonOption,
  ],
  parse,
  run,
};

function parse(given: Arguments): Settings {
  const weights = given.all("weights");
  if (weights.length === 0) throw new InputError("--weights is needed; see --help");
  const [input, output] = [given.required("input"), given.required("output")];
  return { weights, input, output, adapter: given.text("adapter"), force: given.has("force") };
}

async function run({ weights, input, output, adapter, force }: Settings, context: Context): Promise<void> {
  await refuseOutput(output, { force });
  await withLpips(context, weights, (files) =>
    withTensors(input, async ({ file }) => {
      const check = new TensorCheck(file);
      const shape = check.tensor("a", ["N", 3, "H", "W"], "float")?.shape ?? ["N", 3, "H", "W"];
      check.tensor("b", shape, "float");
      check.finish();
      const [count, channels, height, width] = shape as [number, number, number, number];
      const [a, b] = [await readFloat32(file, "a"), await readFloat32(file, "b")];
      const device = await announceDevice(context, adapter);
      const lpips = await Lpips.load(
        device,
        files!.map((one) => one.file),
      );
      try {
        const length = channels * height * width;
        const distances = new Float32Array(count);
        for (let n = 0; n < count; n++) {
          context.signal.throwIfAborted();
          const [one, other] = [a, b].map((all) => all.subarray(n * length, (n + 1) * length));
          distances[n] = await lpips.distance(one!, other!, { height, width });
          context.report.progress({ what: "pairs", done: n + 1, total: count });
        }
        context.report.endProgress();
        const tensors = [{ name: "lpips", dtype: "F32" as const, shape: [count], data: distances }];
        await writeFileAtomic(output, writeSafetensors(tensors, { adapter: adapterName(device.info) }), { force });
        context.report.event("lpips", { file: output, distances: [...distances] });
        context.report.say(
          `LPIPS of ${count} pairs: ${[...distances.subarray(0, 8)].map((d) => d.toFixed(6)).join(", ")}; wrote ${output}`,
        );
      } finally {
        lpips.dispose();
      }
    }),
  );
}
