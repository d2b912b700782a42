/** What another browser or runtime than Chromium and Node has to compute rightly: a whole network, and every kernel. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type KernelTable, tableLine } from "../e2e/kernels.ts";
import { goldenTensors, goldenUrl, relativeError, tensor } from "./goldens.ts";

const golden = "unet/new-attention-order";
const bytes = (part: string) => new Uint8Array(readFileSync(goldenUrl(`${golden}.${part}.safetensors`)!));
const minutes = 60_000;

/** Tests of `where`, to be called in a `describe`. `run` bundles a file for it and calls the file's `run(argument)`. */
export function testNumbers(
  where: string,
  run: <Result>(entryFile: string, argument: unknown) => Promise<Result>,
): void {
  test.each([
    ["f32", 5e-5],
    ["f16", 2e-2],
  ] as const)(
    "a whole network gives PyTorch's numbers in %s",
    async (precision, most) => {
      const argument = { weights: bytes("weights"), io: bytes("io"), precision };
      const out = await run<Float32Array>("test/e2e/forward.ts", argument);
      const error = relativeError(out, await tensor(await goldenTensors(`${golden}.io.safetensors`), "out"));
      console.log(`${where}, ${precision}: relative error ${error.toPrecision(2)}`);
      expect(error).toBeLessThanOrEqual(most);
    },
    4 * minutes,
  );

  // A case that the adapter cannot run is skipped, and counted.
  test.each(["f32", "packed f16", "native f16"] as const)(
    "every kernel gives its twin's numbers in %s",
    async (storage) => {
      const table = await run<KernelTable>("test/e2e/kernels.ts", { storage });
      console.log(`${where}, ${tableLine(storage, table)}`);
      expect(table.failed).toEqual([]);
      if (!table.skipped["shader-f16"]) expect(table.passed).toBeGreaterThan(100);
    },
    15 * minutes,
  );
}
