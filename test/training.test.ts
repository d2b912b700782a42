/**
 * weights/train: what its PyTorch programs export is what this engine loads and computes, and a run that is stopped
 * ends with the same weights. Where there is no PyTorch, or no process can be started, skipped.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { classNames } from "../src/checkpoints/released/classNames.ts";
import { readPicture } from "../src/node/pictures.ts";
import { openSafetensors } from "../src/files/safetensors.ts";
import { UNet } from "../src/unet/unet.ts";
import { cannotFork, folder } from "./support/cli.ts";
import { full } from "./support/full.ts";
import { relativeError, shapeOf, tensor } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { forwardOnce } from "../src/cli/tasks/forward.ts";
import { classifyOnce } from "../src/cli/tasks/classify.ts";

const unseen = fileURLToPath(new URL("../weights/unseen/", import.meta.url));
const programs = fileURLToPath(new URL("../weights/train/", import.meta.url));

/** A Python that has what the programs need. */
const python = cannotFork
  ? undefined
  : ["python3", "/usr/bin/python3"].find((candidate) => {
      try {
        execFileSync(candidate, ["-c", "import torch, numpy, PIL"], { stdio: "ignore" });
        return true;
      } catch {
        return false;
      }
    });
const why = python ? "" : " (skipped: no Python with PyTorch, NumPy and Pillow)";

const run = (program: string, ...argv: string[]) =>
  execFileSync(python!, [join(programs, program), ...argv], { encoding: "utf8", env: { ...process.env, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" } }); // prettier-ignore

const open = async (path: string) => bytesSource(path, await readFile(path));

describe("weights/train", () => {
  it.skipIf(!python)(`exports a UNet that computes here what PyTorch computes${why}`, async () => {
    const path = join(await folder(), "tiny.safetensors");
    run("export.py", "--random", "tiny", path, "--dtype", "f32");
    const device = await gpuDevice();
    const checkpoint = await openCheckpoint(await open(path));
    expect(checkpoint.assumed).toEqual(["predict_xstart false", "rescale_timesteps false"]);
    expect(checkpoint.unconditionalClass).toBe(8);
    expect((await classNames(checkpoint.file, 9))![8]).toBe("any");
    const io = await openSafetensors(await open(path.replace(".safetensors", ".selftest.safetensors")));
    const [batch, channels, height, width] = shapeOf(io, "x");
    const network = await UNet.load(device, checkpoint);
    const { out } = await forwardOnce(device, network, {
      x: { shape: { batch, channels, height, width }, values: await tensor(io, "x") },
      lowRes: undefined,
      t: [...(await tensor(io, "t"))],
      y: [...(await tensor(io, "y"))],
    });
    network.dispose();
    expect(relativeError(out, await tensor(io, "out"))).toBeLessThan(5e-5);
  });

  it.skipIf(!python)(`exports a classifier with the same logits and gradient${why}`, async () => {
    const path = join(await folder(), "guide.safetensors");
    run("export.py", "--random", "tiny-classifier", path, "--dtype", "f32");
    const device = await gpuDevice();
    const io = await openSafetensors(await open(path.replace(".safetensors", ".selftest.safetensors")));
    const [batch, channels, height, width] = shapeOf(io, "x");
    const classifier = await Classifier.load(device, await openClassifier(await open(path)));
    const { logits, grad } = await classifyOnce(device, classifier, {
      shape: { batch, channels, height, width },
      x: await tensor(io, "x"),
      t: [...(await tensor(io, "t"))],
      y: [...(await tensor(io, "y"))],
    });
    classifier.dispose();
    expect(relativeError(logits, await tensor(io, "logits"))).toBeLessThan(5e-5);
    expect(relativeError(grad, await tensor(io, "grad"))).toBeLessThan(2e-4);
  });

  it.skipIf(!python)(`draws the unseen portraits that are here, and what is in them${why}`, async () => {
    const here = await folder();
    run("unseen.py", "sheet", here);
    const facts = (at: string) => readFileSync(join(at, "portraits.json"), "utf8");
    const sheet = (at: string) => readPicture(join(at, "portraits.png"));
    expect(facts(here)).toBe(facts(unseen));
    const [drawn, stored] = [await sheet(here), await sheet(unseen)];
    // Another Pillow rounds here and there.
    const error = drawn.data.reduce((sum, value, i) => sum + Math.abs(value - stored.data[i]!), 0) / drawn.data.length;
    expect(error).toBeLessThan(0.5);
  });

  it.skipIf(!python)(`computes of the shipped models what their self-tests say${why}`, () => {
    const weights = fileURLToPath(new URL("../weights/", import.meta.url));
    const code = `
import sys
sys.path.insert(0, sys.argv[1])
import files, heldout
for name, answer in [("portraits64", "out"), ("scenes64", "out"), ("classifier64", "logits")]:
    network = heldout.load(sys.argv[2] + name + ".safetensors")
    io, _ = files.load_tensors(sys.argv[2] + name + ".selftest.safetensors")
    print(((network(io["x"].float(), io["t"], io["y"]) - io[answer]).norm() / io[answer].norm()).item())`;
    const env = { ...process.env, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
    const out = execFileSync(python!, ["-c", code, programs, weights], { encoding: "utf8", env });
    const errors = out.trim().split("\n").map(Number);
    expect(errors.length).toBe(3);
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });

  it.skipIf(!python || !full).each([
    ["AdamW", []],
    ["Muon", ["--optimizer", "muon", "--gamma", "40", "--fine", "0.5", "--fine-steps", "0", "450", "--decay", "1"]],
  ])(
    `draws, trains by %s, stops and goes on to the same weights${why || (full ? "" : " (skipped: npm run test:full)")}`,
    async (_, settings) => {
      const here = await folder();
      const data = join(here, "portraits.npz");
      run("portraits.py", "data", data, "--size", "16", "--count", "512", "--workers", "1");
      const train = (name: string, ...more: string[]) =>
        run("train.py", "tiny", join(here, name), "--data", data, "--steps", "4", "--batch", "4", ...settings, ...more);
      train("whole");
      expect(train("parts", "--minutes", "0.0001")).toMatch(/saved step [0-3] of 4/);
      expect(train("parts")).toMatch(/saved step 4 of 4/);
      const state = (name: string) => readFileSync(join(here, name, "state.safetensors"));
      const [whole, parts] = [state("whole"), state("parts")];
      // The times in the headers differ.
      const tensors = (file: Buffer) => file.subarray(8 + Number(file.readBigUInt64LE()));
      expect(tensors(parts).equals(tensors(whole))).toBe(true);
      const exported = join(here, "a.safetensors");
      expect(run("export.py", join(here, "whole"), exported)).toMatch(/wrote .*a\.md/);
      // Steps with a rate of 0 leave what the run started with.
      train("on", "--start", exported, "--rate", "0");
      expect(run("export.py", join(here, "on"), join(here, "b.safetensors"))).toMatch(/wrote/);
      // f16; adding nothing makes −0 a 0.
      const weights = (name: string) => {
        const bytes = Uint8Array.from(tensors(readFileSync(join(here, `${name}.safetensors`))));
        return new Uint16Array(bytes.buffer).map((bits) => (bits === 0x8000 ? 0 : bits));
      };
      expect(weights("b")).toEqual(weights("a"));
    },
    120_000,
  );
});
