/**
 * Released architectures at full size with synthetic weights, against PyTorch's outputs: minutes for 64×64 and half an
 * hour for 256×256 on a processor, so only in `npm run test:full`, and the larger one only with REPAINT_FULLSIZE=256.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSafetensors, readFloat32 } from "../../src/files/safetensors.ts";
import { cli, events } from "../support/cli.ts";
import { goldenTensors, goldenUrl, relativeError } from "../support/goldens.ts";
import { bytesSource } from "../../src/files/bytes.ts";

const cases = [
  { name: "imagenet64", minutes: 15, isWanted: true },
  { name: "ffhq256", minutes: 20, isWanted: true },
  { name: "imagenet256-uncond", minutes: 90, isWanted: process.env.REPAINT_FULLSIZE === "256" },
];

for (const { name, minutes, isWanted } of cases) {
  const golden = `fullsize/${name}.io.safetensors`;
  const isHere = goldenUrl(golden) !== undefined;
  const reason = !isHere
    ? " (skipped: the golden output is in the whole set only, REPAINT_GOLDEN)"
    : isWanted
      ? ""
      : " (skipped: half an hour; REPAINT_FULLSIZE=256 runs it)";
  test.skipIf(!isHere || !isWanted)(
    `${name}, made by synth, agrees with PyTorch${reason}`,
    { timeout: minutes * 60_000 },
    async () => {
      const here = await mkdtemp(join(tmpdir(), "repaint-fullsize-"));
      try {
        const [weights, input, output] = ["weights", "input", "output"].map((part) => join(here, part)) as [string, string, string]; // prettier-ignore
        expect((await cli(["synth", name, weights, "--input", input])).status).toBe(0);
        const argv = ["unet", "--weights", weights, "--input", input, "--output", output, "--weight-type", "f16"];
        const { status, out } = await cli([...argv, "--json"]);
        expect(status).toBe(0);
        const reference = await goldenTensors(golden);
        const made = await openSafetensors(bytesSource(input, await readFile(input)));
        for (const tensor of ["t", ...(reference.tensors.has("y") ? ["y"] : [])])
          expect(await readFloat32(made, tensor)).toEqual(await readFloat32(reference, tensor));
        const result = await openSafetensors(bytesSource(output, await readFile(output)));
        const error = relativeError(await readFloat32(result, "out"), await readFloat32(reference, "out"));
        if (process.env.REPAINT_SHOW) console.log(name, { error }, events(out));
        expect(error).toBeLessThanOrEqual(1e-4);
      } finally {
        await rm(here, { recursive: true, force: true });
      }
    },
  );
}
