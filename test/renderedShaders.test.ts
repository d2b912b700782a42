/**
 * What is rendered and planned for whole networks on each family of adapters, as hashes: moving code must change none
 * of them, and a change of kernels shows whom it reaches. After a change that means to: REPAINT_UPDATE=1 npx vitest run
 * test/renderedShaders
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { renderKernel, type Binding, type HalfMode, type Kernel } from "../src/engine/kernel.ts";
import { typesOf } from "../src/engine/executor.ts";
import type { Precision } from "../src/numbers/storage.ts";
import type { Plan } from "../src/engine/plan.ts";
import type { DType } from "../src/engine/tensor.ts";
import { kernels } from "../src/shaders/index.ts";
import { buildArchitecture, type Architecture } from "../src/checkpoints/architecture.ts";
import { planEmbedding, planForward } from "../src/unet/network.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { declareWeights } from "../src/unet/weights.ts";
import { goldenCheckpoint } from "./support/goldens.ts";
import { kernelCases } from "./kernelCases.ts";
import { loadTraits, type AdapterFacts } from "../src/operators/traits.ts";

const recordedFile = fileURLToPath(new URL("goldens/renderedShaders.json", import.meta.url));

const adapters: Readonly<Record<string, AdapterFacts>> = {
  swiftshader: { kind: "cpu", family: "cpu", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  "cpu without subgroups": { kind: "cpu", family: "cpu", subgroups: false, workgroupBytes: 16384, matrix: undefined },
  nvidia: { kind: "gpu", family: "nvidia", subgroups: true, workgroupBytes: 49152, matrix: undefined },
  "nvidia with matrices": {
    kind: "gpu",
    family: "nvidia",
    subgroups: true,
    workgroupBytes: 49152,
    matrix: { rows: 16, columns: 16, depth: 16, subgroupSize: 32 },
  },
  amd: { kind: "gpu", family: "amd", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  intel: { kind: "gpu", family: "intel", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  apple: { kind: "gpu", family: "apple", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  mobile: { kind: "gpu", family: "mobile", subgroups: false, workgroupBytes: 16384, matrix: undefined },
  other: { kind: "gpu", family: "other", subgroups: false, workgroupBytes: 16384, matrix: undefined },
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

const dispatchesOf = (plans: readonly Plan[]) => plans.flatMap((plan) => [...plan.preparation, ...plan.dispatches]);

/** Kernels' texts, each once: what many dispatches share is rendered for the first of them. */
function textsOf(plans: readonly Plan[], half: HalfMode): Set<string> {
  const texts = new Map<string, string>();
  for (const { kernel, variant, tensors } of dispatchesOf(plans)) {
    const types = typesOf(tensors);
    const key = JSON.stringify([kernel.name, variant, types]);
    if (!texts.has(key)) texts.set(key, renderKernel(kernel, variant, types, half));
  }
  return new Set(texts.values());
}

/** Kernels' texts, and everything else that a plan says. */
function hashesOf(plans: readonly Plan[], half: HalfMode): { texts: number; rendered: string; planned: string } {
  const dispatches = dispatchesOf(plans);
  const texts = textsOf(plans, half);
  const planned = dispatches.map(({ kernel, variant, tensors, rows, label, macs }) => [
    kernel.name,
    variant,
    Object.entries(tensors).map(([name, tensor]) => [name, tensor?.name, tensor?.dtype, tensor?.shape, tensor?.place]),
    rows,
    label,
    macs,
  ]);
  return {
    texts: texts.size,
    rendered: sha256([...texts].sort().join("\0")),
    planned: sha256(JSON.stringify(planned)),
  };
}

async function networks(): Promise<Readonly<Record<string, Architecture>>> {
  const released = (name: string) => buildArchitecture(presetConfig(presetByName(name)));
  const portraits64 = (await goldenCheckpoint("unet/portraits64.weights.safetensors")).architecture;
  return { portraits64, "ADM-64": released("imagenet64"), "ADM-256": released("imagenet256-uncond") };
}

async function planned(architecture: Architecture, adapter: AdapterFacts, precision: Precision): Promise<Plan[]> {
  const traits = await loadTraits(adapter);
  const weights = declareWeights(architecture, precision);
  const options = { traits, architecture, weights, activations: precision };
  const { imageSize } = architecture.config;
  const forward = planForward(options, { batch: 1, height: imageSize, width: imageSize }).plan;
  return [forward, planEmbedding(options, 64).plan];
}

async function current(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [network, architecture] of Object.entries(await networks()))
    for (const [adapter, plain] of Object.entries(adapters)) {
      for (const precision of ["f32", "f16"] as const) {
        const plans = await planned(architecture, plain, precision);
        const half = plain.family === "mobile" ? "packed" : "native";
        found[`${network}, ${adapter}, ${precision}`] = hashesOf(plans, half);
      }
    }
  const cases = kernelCases.map((one) => {
    const kernel = kernels[one.kernel] as unknown as Kernel;
    const given = ([name, { access, optional }]: [string, Binding]) =>
      name in one.inputs || (access === "write" && !optional) ? [[name, one.types?.[name] ?? "f32"]] : [];
    const types = Object.fromEntries(Object.entries(kernel.bindings).flatMap(given)) as Record<string, DType>;
    return renderKernel(kernel, one.variant, types, "native");
  });
  found["every kernel's cases"] = {
    texts: new Set(cases).size,
    rendered: sha256([...new Set(cases)].sort().join("\0")),
  };
  return found;
}

test("networks are rendered and planned as recorded", async () => {
  const found = await current();
  if (process.env.REPAINT_UPDATE) writeFileSync(recordedFile, `${JSON.stringify(found, null, 1)}\n`);
  expect(found).toEqual(JSON.parse(readFileSync(recordedFile, "utf8")));
});

/** What WGSL or WebGPU has beyond its core: an adapter may lack it, and a browser may refuse its words. */
const beyondCore =
  /^\s*(enable|requires|diagnostic)\b.*|\bptr<(storage|workgroup|uniform)\b.*|\b(dot4|(un)?pack4xU?I?8|subgroup|quad[BS])\w*|\btexture_\w+/gm;

test("an adapter without optional features gets core WGSL within the limits that all have", async () => {
  const texts = new Set<string>();
  const { portraits64, "ADM-256": large } = await networks();
  for (const architecture of [portraits64!, large!])
    for (const adapter of Object.values(adapters).filter(({ subgroups, matrix }) => !subgroups && !matrix))
      for (const precision of ["f32", "f16"] as const)
        for (const text of textsOf(await planned(architecture, adapter, precision), "packed")) texts.add(text);
  expect(texts.size).toBeGreaterThan(20);
  for (const text of texts) {
    expect(text.match(beyondCore) ?? []).toEqual([]);
    expect(text.match(/var<storage/g)!.length, text.split("\n")[0]).toBeLessThanOrEqual(8);
    const [, size] = /@workgroup_size\(([^)]*)\)/.exec(text)!;
    expect(size!.split(",").reduce((product, side) => product * Number(side), 1)).toBeLessThanOrEqual(256);
  }
});
