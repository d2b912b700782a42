/** What debugging prints of a network's layers and plans: loaded where somebody looks. */
import { planAllocation } from "../engine/allocation.ts";
import { debug } from "../engine/debug.ts";
import type { Device } from "../engine/device.ts";
import type { Plan } from "../engine/plan.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import { attentionKey } from "../operators/attention/layer.ts";
import { convolutionKey } from "../operators/convolution/layer.ts";
import type { Decision } from "../operators/decision.ts";
import type { NetworkOptions } from "./networkOptions.ts";

/** A line for each layer that is planned. */
export const debugLayers: Required<Pick<NetworkOptions, "onConvolution" | "onAttention">> = {
  onConvolution: (name, layer, decision) => debugDecision(name, convolutionKey(layer), decision),
  onAttention: (name, layer, decision) => debugDecision(name, attentionKey(layer), decision),
};

function debugDecision(name: string, key: string, { choice, by }: Decision<{ readonly id: string }>): void {
  debug("kernels", () => `${name}: ${key} by ${choice.id}, ${reason(by)}`);
}

function reason(by: Decision<unknown>["by"]): string {
  if (by === "tuner") return "as tuned";
  if (by === undefined) return "the first candidate, since no rule of the table names one";
  const { id: _, ...conditions } = by;
  const words = Object.entries(conditions).map(([name, value]) => `${name} ${String(value)}`);
  return `by the table's rule for ${words.join(", ") || "any layer"}`;
}

/** A line for a session's plan. */
export function debugPlan(plan: Plan, ends: readonly Tensor[], { limits }: Device): void {
  debug("plan", () => {
    const { arenas, constants, parameters } = planAllocation(plan, limits);
    const macs = plan.dispatches.reduce((sum, dispatch) => sum + dispatch.macs, 0);
    return [
      `${plan.dispatches.length} dispatches of ${(macs / 1e9).toFixed(2)} G multiply-adds`,
      `${arenas.placements.size} temporary tensors in arenas of ${arenas.sizes.map(mib).join(" + ") || "0"} MiB`,
      `${constants.length} constants, made by ${plan.preparation.length} dispatches, of ${mibOf(constants)} MiB`,
      `${ends.length} inputs and outputs of ${mibOf(ends)} MiB`,
      `parameters of ${mib(parameters.bytes)} MiB`,
    ].join("; ");
  });
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
const mibOf = (tensors: readonly Tensor[]) => mib(tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0));
