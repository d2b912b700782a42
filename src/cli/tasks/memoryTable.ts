/**
 * `inspect --plan`: the memory that a forward (of a classifier: with its gradient) needs, in f32 and f16, on a GPU of
 * which nothing is known but WebGPU's default limits. No device.
 */
import type { Architecture } from "../../checkpoints/architecture.ts";
import { addMemory, planClassifierMemory } from "../../unet/classifierMemory.ts";
import { loadTraits } from "../../operators/traits.ts";
import { defaultAdapter, defaultLimits, type MemoryPlan, planMemory } from "../../unet/memoryPlan.ts";
import type { ForwardSize } from "../../unet/network.ts";
import type { Report } from "../../node/report.ts";
import { bytes as inBytes, count } from "../../text/quantities.ts";
import { precisions } from "../../numbers/storage.ts";

/** The preset "paper". */
const timesteps = 250;
/** Of the released super-resolution networks. */
const upsampling = 4;

export interface PlanSize {
  readonly batch: number;
  /** Width and height; undefined: the network's own. */
  readonly size: readonly [number, number] | undefined;
}

export interface PlannedNetworks {
  readonly architecture: Architecture;
  /** A classifier beside it, whose share is said. */
  readonly guide?: Architecture | undefined;
}

/** An event for each precision, and a table. @throws InputError for a size that the networks cannot take */
export async function reportPlan(
  report: Report,
  { architecture, guide }: PlannedNetworks,
  { batch, size }: PlanSize,
): Promise<void> {
  const { imageSize, superRes } = architecture.config;
  const [width, height] = size ?? [imageSize, imageSize];
  const low = (side: number) => Math.max(1, Math.floor(side / upsampling));
  const forward: ForwardSize = {
    batch,
    height,
    width,
    ...(superRes ? { lowRes: { height: low(height), width: low(width) } } : {}),
  };
  const traits = await loadTraits(defaultAdapter);
  const plans = precisions.map((precision): NamedPlan => {
    const options = { activations: precision, weightType: precision, embeddings: timesteps, traits };
    if (architecture.head.kind !== "image")
      return { precision, ...planClassifierMemory(architecture, forward, options) };
    const network = planMemory(architecture, forward, options);
    if (!guide) return { precision, ...network };
    const classifier = planClassifierMemory(guide, forward, { ...options, sharesX: true });
    return { precision, ...addMemory(network, classifier), classifier: classifier.total };
  });
  for (const { tooLarge, ...plan } of plans)
    report.event("memory", { batch, width, height, timesteps, fits: tooLarge.length === 0, ...plan, tooLarge });
  report.print(
    [`\nMemory on the device for ${count(batch, "image")} of ${width}x${height}`, ...plans.flatMap(lines)].join("\n"),
  );
}

interface NamedPlan extends MemoryPlan {
  readonly precision: string;
  /** The classifier's share of `total`. */
  readonly classifier?: number;
}

function lines(plan: NamedPlan): string[] {
  const { largestBinding, largestBuffer, tooLarge } = plan;
  const arenas = plan.arenas.reduce((a, b) => a + b, 0);
  const ofClassifier = plan.classifier === undefined ? "" : `, ${inBytes(plan.classifier)} of it the classifier's`;
  const rows: [string, string][] = [
    ["Weights", inBytes(plan.weights)],
    ...(plan.transformed > 0 ? [["Transformed", `${inBytes(plan.transformed)} of weights`] as [string, string]] : []),
    ["Activations", `${inBytes(arenas)} in ${count(plan.arenas.length, "arena")}`],
    ["In and out", inBytes(plan.inputsAndOutput)],
    ["Parameters", inBytes(plan.parameters)],
    ["Embeddings", `${inBytes(plan.embeddings)} for ${timesteps} timesteps`],
    ["Together", `${inBytes(plan.total)}${ofClassifier}`],
    ["Largest", `binding ${words(largestBinding)}, buffer ${words(largestBuffer)}`],
    ["Fits", tooLarge.length === 0 ? "WebGPU's default limits" : misfit(plan)],
  ];
  return [plan.precision, ...rows.map(([name, text]) => `  ${name.padEnd(12)}${text}`)];
}

function misfit({ tooLarge }: MemoryPlan): string {
  const [first] = tooLarge;
  const limits = `${inBytes(defaultLimits.maxStorageBufferBindingSize)} a binding, ${inBytes(defaultLimits.maxBufferSize)} a buffer`;
  const more = tooLarge.length > 1 ? ` and ${tooLarge.length - 1} more` : "";
  return `not WebGPU's default limits (${limits}): ${words(first!)}${more} are too large; adapters may allow more`;
}

function words({ name, bytes }: { readonly name: string; readonly bytes: number }): string {
  return `${inBytes(bytes)} (${name})`;
}
