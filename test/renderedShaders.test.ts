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

/** Kernels' texts, each once, and everything else that a plan says. */
function hashesOf(plans: readonly Plan[], half: HalfMode): { texts: number; rendered: string; planned: string } {
  const dispatches = plans.flatMap((plan) => [...plan.preparation, ...plan.dispatches]);
  const texts = new Set(
    dispatches.map(({ kernel, variant, tensors }) => renderKernel(kernel, variant, typesOf(tensors), half)),
  );
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

async function current(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [network, architecture] of Object.entries(await networks()))
    for (const [adapter, plain] of Object.entries(adapters)) {
      const traits = await loadTraits(plain);
      for (const precision of ["f32", "f16"] as const) {
        const weights = declareWeights(architecture, precision);
        const options = { traits, architecture, weights, activations: precision };
        const { imageSize } = architecture.config;
        const forward = planForward(options, { batch: 1, height: imageSize, width: imageSize }).plan;
        const plans = [forward, planEmbedding(options, 64).plan];
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
