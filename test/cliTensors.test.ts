/** `unet`, `replay`, `inspect` and `doctor`: golden cases through files, and what they tell. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { forwardProgress } from "../src/cli/tasks/forward.ts";
import { knownNoise } from "../src/cli/tasks/noiseCheck.ts";
import { shippedModels } from "../src/node/packageFiles.ts";
import { Report } from "../src/node/report.ts";
import { countParameters } from "../src/checkpoints/layers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { openSafetensors, readFloat32, writeSafetensors } from "../src/files/safetensors.ts";
import { cli, events, filesIn, folder, golden, shipped } from "./support/cli.ts";
import { everyNth } from "./support/full.ts";
import { goldenUrl, relativeError } from "./support/goldens.ts";
import { normals } from "./twins/philox.ts";
import { bytesSource } from "../src/files/bytes.ts";

const open = async (path: string) => openSafetensors(bytesSource(path, await readFile(path)));
const goldens = readdirSync(golden("unet"));
const cases = goldens
  .filter((name) => name.endsWith(".io.safetensors"))
  .map((name) => name.replace(".io.safetensors", ""))
  .filter((name) => goldenUrl(`unet/${name}.weights.safetensors`));
const weightsOf = (name: string): string => fileURLToPath(goldenUrl(`unet/${name}.weights.safetensors`)!);

async function forward(name: string, ...options: string[]): Promise<number> {
  const [input, output] = [golden(`unet/${name}.io.safetensors`), join(await folder(), "out.safetensors")];
  const { status, err, out } = await cli([
    "unet",
    "--weights",
    weightsOf(name),
    "--input",
    input,
    "--output",
    output,
    ...options,
  ]);
  expect([status, out, err]).toEqual([0, "", expect.stringMatching(/Forward of .* in [\d.]+ s; wrote/)]);
  const [result, reference] = [await open(output), await open(input)];
  expect([...result.tensors.values()]).toMatchObject([
    { name: "out", dtype: "F32", shape: reference.tensors.get("out")!.shape },
  ]);
  return relativeError(await readFloat32(result, "out"), await readFloat32(reference, "out"));
}

describe("unet", () => {
  it("has every kind of network among its cases", () => expect(cases.length).toBeGreaterThanOrEqual(8));

  // The networks themselves: unet.test.ts.
  it.each(everyNth(3, cases))("%s agrees with PyTorch", async (name) => {
    expect(await forward(name)).toBeLessThanOrEqual(5e-5);
  });

  it("stores activations and weights in f16, or the weights alone", async () => {
    const half = await forward("adm", "--precision", "f16");
    const halfWeights = await forward("portraits64", "--weight-type", "f16");
    expect(half).toBeLessThanOrEqual(1e-2);
    expect(half).toBeGreaterThan(5e-5);
    expect(halfWeights).toBeLessThanOrEqual(1e-2);
  });

  it("takes flags from the command line, in both vocabularies, and from a file", async () => {
    // The file's own heads are these, so that saying them changes nothing and saying others changes the output.
    const { flags } = (
      JSON.parse(await readFile(golden("unet/cases.json"), "utf8")) as Record<
        string,
        { flags: Record<string, unknown> }
      >
    )["new-attention-order"]!;
    expect(await forward("new-attention-order", "--flags", JSON.stringify(flags))).toBeLessThanOrEqual(5e-5);
    const path = join(await folder(), "flags.json");
    await writeFile(path, JSON.stringify({ use_new_attention_order: false }));
    expect(await forward("new-attention-order", "--flags", `@${path}`)).toBeGreaterThan(1e-3);
  });

  it("takes images that are not square, and writes over nothing without --force", async () => {
    const here = await folder();
    const [input, output] = [join(here, "in"), join(here, "out")];
    const x = Float32Array.from({ length: 3 * 8 * 24 }, (_, i) => Math.sin(i));
    await writeFile(
      input,
      writeSafetensors([
        { name: "x", dtype: "F32", shape: [1, 3, 8, 24], data: x },
        { name: "t", dtype: "F32", shape: [1], data: Float32Array.of(12.5) },
      ]),
    );
    const argv = ["unet", "--weights", weightsOf("adm"), "--input", input, "--output", output];
    expect((await cli(argv)).status).toBe(0);
    expect((await open(output)).tensors.get("out")!.shape).toEqual([1, 6, 8, 24]);
    const { status, err } = await cli(argv);
    expect([status, err]).toEqual([2, expect.stringContaining("exists; use --force")]);
    const again = await cli([...argv, "--force", "--json"]);
    expect(events(again.out).map(({ event }) => event)).toEqual(["adapter", "forward"]);
    expect(await filesIn(here)).toEqual(["in", "out"]);
  });
});

describe("forwardProgress", () => {
  it("says how long the rest takes by the pace since the first call, not by what was before it", () => {
    let said = "";
    let milliseconds = 60_000;
    const stream = { write: (text: string) => void (said += text) };
    const tell = forwardProgress(new Report(stream, stream, false), () => milliseconds);
    const steps = [[0, 0.001] as const, [1000, 0.01] as const, [3000, 0.251] as const];
    for (const [elapsed, done] of steps) {
      expect(said).toBe("");
      milliseconds = 60_000 + elapsed;
      tell(done);
    }
    expect(said).toBe("25/100 % of the forward, 9 s left\n");
  });
});

describe("what takes moments", () => {
  it.each([true, false])("is a bar on a terminal alone: %s", (isTTY) => {
    let said = "";
    const report = new Report({ write: () => true }, { write: (text) => (said += text), isTTY, columns: 40 }, false);
    report.passing({ what: "shaders compiled", done: 3, total: 4 });
    report.say("Done.");
    expect(said).toBe(isTTY ? "\r[###########----] 3/4 shaders compiled\u001b[K\nDone.\n" : "Done.\n");
  });
});

describe("replay", () => {
  const traces = [
    ["trace-learned-sigma", "unet/adm.weights.safetensors"],
    ["trace-class-cond", "unet/class-cond.weights.safetensors"],
    ["trace-guided", "unet/class-cond.weights.safetensors", "unet/classifier-attention.weights.safetensors"],
    ["trace-portraits", "unet/portraits64.weights.safetensors"],
    ["trace-langevin", "unet/adm.weights.safetensors"],
    ["trace-langevin-classes", "unet/class-cond.weights.safetensors"],
  ] as const;
  for (const [name, weights, guide] of traces) {
    const trace = goldenUrl(`repaint/${name}.safetensors`);
    it.skipIf(!trace)(
      `${name} ends where the recorded run ended${trace ? "" : " (only in the whole golden set, REPAINT_GOLDEN)"}`,
      async () => {
        const output = join(await folder(), "out.safetensors");
        const [path, model] = [fileURLToPath(trace!), fileURLToPath(goldenUrl(weights)!)];
        const classifier = guide === undefined ? [] : ["--classifier", fileURLToPath(goldenUrl(guide)!)];
        const files = ["--weights", model, "--trace", path, "--output", output, ...classifier];
        const { status, err } = await cli(["replay", ...files]);
        expect([status, err]).toEqual([0, expect.stringMatching(/Replayed \d+ model calls in .* s; wrote/)]);
        const [result, recorded] = [await open(output), await open(path)];
        expect([...result.tensors.keys()].sort()).toEqual(["pred_xstart", "samples"]);
        for (const tensor of ["samples", "pred_xstart"]) {
          const shape = recorded.tensors.get("samples")!.shape;
          expect(result.tensors.get(tensor)).toMatchObject({ dtype: "F32", shape });
          if (!recorded.tensors.has(tensor)) continue;
          const length = shape.slice(1).reduce((product, size) => product * size, 1);
          const last = async (file: typeof result) => (await readFloat32(file, tensor)).slice(-length);
          expect(relativeError(await last(result), await last(recorded))).toBeLessThanOrEqual(2e-4);
        }
      },
    );
  }

  it("refuses a trace whose noise is too short, and leaves no file", async () => {
    const here = await folder();
    const file = await open(golden("repaint/trace-learned-sigma.safetensors"));
    const [, ...image] = file.tensors.get("noise")!.shape;
    const length = image.reduce((product, size) => product * size, 1);
    const tensors = await Promise.all(
      ["gt", "keep_mask"].map(async (name) => ({
        name,
        dtype: "F32" as const,
        shape: file.tensors.get(name)!.shape,
        data: await readFloat32(file, name),
      })),
    );
    const noise = { name: "noise", dtype: "F32" as const, shape: [3, ...image], data: new Float32Array(3 * length) };
    await writeFile(join(here, "trace"), writeSafetensors([...tensors, noise], { case: file.metadata.get("case")! }));
    const { status, err } = await cli([
      "replay",
      "--weights",
      weightsOf("adm"),
      "--trace",
      join(here, "trace"),
      "--output",
      join(here, "out"),
    ]);
    expect([status, err]).toEqual([2, expect.stringMatching(/noise: expected 78 draws .*, got 3\n$/)]);
    expect(await filesIn(here)).toEqual(["trace"]);
  });
});

describe("inspect", () => {
  it("tells what is in the shipped model, in words and as an event", async () => {
    const { out } = await cli(["inspect", "portraits64"]);
    const [model] = await shippedModels();
    for (const part of [
      "273 (185 F16, 88 I8)",
      "2,348,006",
      "0.8302 GMAC at 64x64",
      "learn_sigma true",
      model!.sha256.slice(0, 8),
    ])
      expect(out).toContain(part);
    const json = await cli(["inspect", shipped("portraits64.safetensors"), "--json"]);
    expect(events(json.out)).toMatchObject([
      {
        event: "checkpoint",
        parameters: 2348006,
        dtypes: { F16: 185, I8: 88 },
        imageSize: 64,
        flags: { channel_mult: [1, 1, 2, 3] },
      },
    ]);
    expect(json.err).toBe("");
  });

  it("tells what it had to assume, and takes flags", async () => {
    const { out } = await cli(["inspect", weightsOf("fixed-sigma"), "--flags", '{"noise_schedule":"cosine"}']);
    expect(out).toMatch(/noise_schedule "cosine"/);
    expect(out).toMatch(/Assumed +diffusion_steps 1000/);
  });

  it("refuses what is no checkpoint", async () => {
    const { status, err } = await cli(["inspect", golden("unet/adm.io.safetensors")]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/^repaint: [^\n]*expected a guided-diffusion UNet[^\n]*\n$/),
    ]);
  });
});

describe("doctor", () => {
  it("finds that the adapter computes correctly", async () => {
    const { status, out } = await cli(["doctor"]);
    expect(status).toBe(0);
    expect(out).toMatch(
      /portraits64, f32: .*: right\n.*portraits64, f16: .*: right\n.*scenes64, f32: .*: right\n.*scenes64, f16: .*: right\n.*classifier64, f32: .*: right\n +noise: .*: right\nThis adapter computes correctly\.\n$/,
    );
    const json = await cli(["doctor", "--json"]);
    expect(events(json.out).map(({ event }) => event)).toEqual([
      "machine",
      "adapter",
      "device",
      ...Array.from({ length: 5 }, () => "selfTest"),
      "noiseTest",
      "verdict",
    ]);
  });
});

describe("noiseCheck", () => {
  it("holds the numbers of the generator's definition", () => {
    const { seed, draw, normals: known } = knownNoise;
    const defined = [0, 1].flatMap((element) => normals(seed, element, draw, 0));
    known.forEach((value, i) => expect(value).toBeCloseTo(defined[i]!, 6));
  });
});

describe("weights/manifest.json", () => {
  it("says of every model what its file says", async () => {
    for (const model of await shippedModels()) {
      const path = shipped(model.file);
      const bytes = await readFile(path);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(model.sha256);
      expect(bytes.length).toBe(model.bytes);
      const source = bytesSource(path, bytes);
      const isClassifier = model.kind === "classifier";
      const checkpoint = isClassifier ? await openClassifier(source) : await openCheckpoint(source);
      expect(countParameters(checkpoint.architecture)).toBe(model.parameters);
      expect(JSON.parse(checkpoint.file.metadata.get("diffusion") ?? "null")).toEqual(model.diffusion ?? null);
      for (const { picture, fill } of model.examples)
        for (const file of [picture, fill]) expect((await stat(shipped(file))).isFile()).toBe(true);
      expect([...(await open(shipped(model.selfTest))).tensors.keys()].sort()).toEqual(
        isClassifier ? ["grad", "logits", "t", "x", "y"] : ["out", "t", "x", "y"],
      );
    }
  });
});
