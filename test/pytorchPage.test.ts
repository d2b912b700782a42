/** PyTorch files in a page of a real browser. */
import { afterAll, describe, expect, test } from "vitest";
import { readFloat32 } from "../src/files/safetensors.ts";
import { closeChromium, noChromium, runInChromium } from "./support/chromium.ts";
import { golden } from "./support/pytorchOpen.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";

describe.skipIf(noChromium)("Chromium", () => {
  afterAll(closeChromium);

  test("reads a Blob as Node reads memory, and refuses what Node refuses", async () => {
    const [bytes, hostile] = [golden("wrapped-views.pt"), golden("hostile-system.pt")];
    const page = await runInChromium<{ names: string[]; transposed: Float32Array; refused: string }>(
      "test/e2e/pytorch.ts",
      { bytes, hostile },
    );
    const file = await openTensors(bytesSource("wrapped-views.pt", bytes));
    expect(page.names).toEqual([...file.tensors.keys()]);
    expect(page.transposed).toEqual(await readFloat32(file, "transposed"));
    expect(page.refused).toMatch(/CheckpointError: .*"posix\.system"/);
  });
});
