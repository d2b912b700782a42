/** The benchmark's own rules: equal work once, wrong kernels untimed, results that can be compared. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { benchCases } from "../bench/cases.ts";
import { blockOf, layerChart, roofline } from "../bench/charts.ts";
import { benchKernels } from "../bench/kernels.ts";
import { benchNetworks } from "../bench/networks.ts";
import { convolutionModel, fields, type Weight, withWeights } from "../bench/peers/onnx.ts";
import { ours, peersFormat, peersText } from "../bench/peers/result.ts";
import { reportPage } from "../bench/report.ts";
import { compareResults, parseResult, resultFormat, type BenchResult, type KernelRow } from "../bench/result.ts";
import { failures } from "../bench/suite.ts";
import { comparisonText, headline, kernelTable } from "../bench/text.ts";
import { groupNormApply } from "../src/shaders/groupNormApply.ts";
import { kernels } from "../src/shaders/index.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { readFloat32 } from "../src/files/safetensors.ts";
import { weightsFolder } from "../src/node/packageFiles.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { buildArchitecture } from "../src/checkpoints/architecture.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { exampleMatrix } from "./kernelCasesConvolution.ts";
import { cli } from "./support/cli.ts";
import { gpuDevice } from "./support/gpu.ts";
import { loadTraits } from "../src/operators/traits.ts";

const small = buildArchitecture({ ...presetConfig(presetByName("imagenet64")), modelChannels: 32, imageSize: 16 });
const facts = { family: "cpu", subgroups: true, workgroupBytes: 49152, matrix: undefined } as const;
const options = { traits: await loadTraits({ ...facts, kind: "cpu" }), precision: "f32" } as const;
const peak = { gflops: 10, gigabytes: 1, variant: "test" };

function row(more: Partial<KernelRow>): KernelRow {
  return {
    key: "k",
    kernel: "convolutionBlocked",
    variant: "v",
    shape: "3×3 <b>",
    storage: "f32",
    uses: { net: 2 },
    dispatches: 1,
    macs: 1e6,
    bytes: 1e5,
    milliseconds: 2,
    gflops: 1,
    gigabytes: 0.05,
    share: 0.1,
    error: 1e-7,
    ...more,
  };
}

function result(rows: readonly KernelRow[], forward?: number): BenchResult {
  return {
    format: resultFormat,
    version: "0",
    date: "2026-01-02T03:04:05Z",
    adapter: "a & b",
    kind: "cpu",
    half: "packed",
    timestamps: true,
    platform: "test",
    precision: "f32",
    peak,
    kernels: rows,
    interrupted: false,
    step: undefined,
    forward:
      forward === undefined
        ? undefined
        : {
            network: "net",
            precision: "f32",
            batch: 1,
            error: 1e-7,
            milliseconds: forward,
            samples: [forward],
            gflop: 1,
            dispatches: 1,
            clock: "timestamps",
            layers: [
              { layer: "input_blocks.1.0.in_layers.2", kernel: "convolutionBlocked", macs: 5e8, milliseconds: forward },
            ],
          },
  };
}

describe("cases", () => {
  it("cover every kernel that a network or the sampler runs, equal work once", async () => {
    const traits = await loadTraits({ ...facts, kind: "gpu", family: "other", matrix: exampleMatrix });
    const networks = benchNetworks({ name: "small", architecture: small });
    const kinds = [options, { traits, precision: "f32" }, { traits, precision: "f16" }] as const;
    const found = new Set(
      kinds.flatMap((kind) =>
        benchCases(networks, { ...kind, candidates: true }).flatMap(({ kernel }) => kernel.split("+")),
      ),
    );
    // Run once, when a session begins; and LPIPS' own, which no picture waits for.
    const elsewhere = ["winogradWeights", "featureDistance", "maxPool"];
    expect(Object.keys(kernels).filter((name) => !found.has(name) && !elsewhere.includes(name))).toEqual([]);
    const keys = benchCases(networks, options).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("count how often a network has each", () => {
    const [network] = benchNetworks({ name: "small", architecture: small });
    const cases = benchCases([network!], options);
    const convolutions = cases.filter(({ key }) => key.startsWith("convolution 3x3"));
    const blocks = [...small.input.flat(), ...small.middle, ...small.output.flatMap(({ blocks: all }) => all)];
    const expected = blocks.reduce((sum, { kind }) => sum + (kind === "res" ? 2 : kind === "conv" ? 1 : 0), 1);
    const uses = convolutions.reduce((sum, test) => sum + test.uses[network!.name]!, 0);
    expect(uses).toBe(expected);
  });
});

describe("kernels", () => {
  it("are timed when they are right, listed when they are too long, and failed when they are wrong", async () => {
    const device = await gpuDevice();
    const cases = benchCases([{ name: "small", architecture: small }], options);
    const right = cases.find(({ kernel }) => kernel === "groupNormApply")!;
    const wrongKernel = {
      ...groupNormApply,
      source: (...call: Parameters<typeof groupNormApply.source>) =>
        groupNormApply.source(...call).replace(/store_y\(.*, v\)/, (store) => store.replace(", v)", ", 1.01 * v)")),
    };
    const dispatches = right.plan.dispatches.map((dispatch) => ({ ...dispatch, kernel: wrongKernel as never }));
    const wrong = { ...right, plan: { ...right.plan, dispatches } };
    const long = { ...cases.at(-1)!, macs: 1e14 };
    const rows: KernelRow[] = [];
    for await (const each of benchKernels(device, [right, wrong, long], { peak, caseSeconds: 1 })) rows.push(each);
    expect(rows[0]!.milliseconds).toBeGreaterThan(0);
    expect(rows[0]!.error).toBeLessThan(1e-5);
    expect(rows[1]).toMatchObject({ failed: expect.stringContaining("relative error 1.0e-2") as unknown });
    expect(rows[1]!.milliseconds).toBeUndefined();
    expect(rows[2]).toMatchObject({ skipped: expect.stringMatching(/not timed: would take \d+\.\d s/) as unknown });
    expect(failures(result(rows)).map(({ key }) => key)).toEqual([wrong.key]);
  });
});

describe("results", () => {
  it("are compared shape by shape and as a whole", () => {
    const before = result(
      [row({ key: "a", milliseconds: 4 }), row({ key: "b", milliseconds: 1 }), row({ key: "gone" })],
      20,
    );
    const now = result(
      [row({ key: "a", milliseconds: 2 }), row({ key: "b", milliseconds: 2 }), row({ key: "new" })],
      10,
    );
    const { kernels: byKernel, shapes, whole } = compareResults(before, now);
    expect(shapes.map(({ ratio }) => ratio)).toEqual([2, 0.5]);
    expect(byKernel).toEqual([{ what: "convolutionBlocked", before: 5, now: 4, ratio: 1 }]);
    expect(whole).toEqual([{ what: "forward", before: 20, now: 10, ratio: 2 }]);
    expect(comparisonText(before, now)).toContain("2.00×");
  });

  it("are told from other files", () => {
    expect(() => parseResult("{", "x.json")).toThrow("x.json is not JSON");
    expect(() => parseResult('{"format":"other"}', "x.json")).toThrow("no result of this benchmark");
    expect(parseResult(JSON.stringify(result([])), "x.json").kernels).toEqual([]);
  });

  it("show as text and as a page that lets nothing through unescaped", () => {
    const shown = result([row({}), row({ key: "f", failed: "wrong" }), row({ key: "s", skipped: "not timed" })], 20);
    expect(headline(shown)).toContain("10.0 GFLOP/s");
    expect(kernelTable(shown.kernels)).toContain("FAILED");
    const page = reportPage(shown, "p {}");
    expect(page).toContain("a &amp; b");
    expect(page).not.toContain("<b>");
    expect(roofline(shown).match(/<circle/g)).toHaveLength(3);
    expect(layerChart(shown.forward!.layers)).toContain("input_blocks.1");
    expect(["input_blocks.4.1.in_layers.2", "middle_block.1.qkv", "out.2", "time_embed.0"].map(blockOf)).toEqual([
      "input_blocks.4",
      "middle_block.1",
      "out",
      "time_embed",
    ]);
  });
});

it("the command says what it does not understand, before it opens anything", async () => {
  const path = fileURLToPath(import.meta.url);
  for (const [options, words] of [
    [["--only", "("], "--only: expected a regular expression"],
    [["--budget", "soon"], '--budget: expected seconds, got "soon"'],
    [["--vs", path], "is not JSON"],
    [["--vs", "nowhere.json"], "cannot read --vs nowhere.json: no such file"],
    [["--out", path], "exists; use --force"],
  ] as const)
    expect(await cli(["bench", ...options])).toMatchObject({
      status: 2,
      err: expect.stringContaining(words) as unknown,
    });
});

describe("peers", () => {
  it("get a convolution as a model, whose weights stand in it as they are", () => {
    const weight = Float32Array.from({ length: 2 * 3 * 9 }, (_, i) => i / 7);
    const shape = { size: 5, channels: 3, outChannels: 2, kernel: 3 } as const;
    const model = Buffer.from(convolutionModel(shape, weight, Float32Array.of(1, 2)));
    expect(model.indexOf(Buffer.from(weight.buffer))).toBeGreaterThan(0);
    expect(model.indexOf(Buffer.from("\x22\x04Conv"))).toBeGreaterThan(0);
    // Field 7, the graph, ends where field 8, the operators' version, begins: lengths of two bytes are right.
    const graph = model.indexOf(0x3a);
    const length = (model[graph + 1]! & 127) | (model[graph + 2]! << 7);
    expect([...model.subarray(graph + 3 + length)]).toEqual([0x42, 2, 0x10, 17]);
  });

  it("get the shipped network with the shipped weights: a network of other shapes needs another graph", async () => {
    const checkpoint = await openCheckpoint(
      bytesSource("portraits64", await readFile(join(weightsFolder, "portraits64.safetensors"))),
    );
    const weights = new Map<string, Weight>();
    for (const { name, shape } of checkpoint.file.tensors.values())
      weights.set(name, { shape, values: await readFloat32(checkpoint.file, name) });
    const graph = await readFile(new URL("../bench/peers/portraits64.graph.onnx", import.meta.url));
    const model = withWeights(graph, weights);
    const inside = fields(fields(model).find(({ field }) => field === 7)!.content);
    const names = (of: number, nameField: number) =>
      inside
        .filter(({ field }) => field === of)
        .map(({ content }) =>
          Buffer.from(fields(content).find(({ field }) => field === nameField)!.content).toString(),
        );
    expect(names(11, 1)).toEqual(["x", "t", "y"]);
    expect(names(12, 1)).toEqual(["out"]);
    expect(names(5, 8).toSorted()).toEqual([...weights.keys()].toSorted());
    const { values } = weights.get("out.2.weight")!;
    expect(Buffer.from(model).indexOf(Buffer.from(values.buffer))).toBeGreaterThan(0);

    const { shape, values: bias } = weights.get("out.2.bias")!;
    const withBias = (weight: Weight) => new Map(weights).set("out.2.bias", weight);
    expect(() => withWeights(graph, withBias({ shape: [3, 2], values: bias }))).toThrow(
      "out.2.bias: the ONNX graph has [6], the weights [3, 2]",
    );
    expect(() => withWeights(graph, new Map(weights).set("more", { shape, values: bias }))).toThrow("no input more");
    expect(() => withWeights(graph.subarray(0, 1e5), weights)).toThrow("ends in the middle");
  });

  it("show as ratios to ours, and as what they are where they compute something else", () => {
    const row = { work: "w", gflop: 1, error: 1e-6, samples: [1] };
    const text = peersText({
      format: peersFormat,
      date: "",
      version: "0",
      adapter: "a",
      browser: "b",
      threads: 2,
      interrupted: false,
      versions: { peer: "1" },
      rows: [
        { ...row, engine: ours, milliseconds: 2, ratio: 1 },
        { ...row, engine: "slow", milliseconds: 6, ratio: 3 },
        { ...row, engine: "other", error: 1, skipped: "computes something else" },
      ],
    });
    expect(text).toContain("3.00×");
    expect(text).toMatch(/other .*—.*computes something else/);
  });
});
