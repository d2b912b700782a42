/** Attention as a layer: every candidate against the float64 twin, the table of defaults, long ones in pieces. */
import { describe, expect, it } from "vitest";
import type { AdapterFamily } from "../src/engine/adapter.ts";
import { Device } from "../src/engine/device.ts";
import { PlanBuilder } from "../src/engine/plan.ts";
import { attentionPlan } from "../src/operators/attention/plan.ts";
import { attention } from "../src/shaders/attention.ts";
import { attentionCandidates, attentionTable, chooseAttention } from "../src/operators/attention/candidates.ts";
import { wholeDispatch } from "../src/shaders/lib/pieces.ts";
import { relativeError } from "./support/goldens.ts";
import { withErrorScope } from "./support/errorScope.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { runPlan } from "./support/runPlan.ts";
import { twins } from "./twins/index.ts";
import { loadTraits, type Traits } from "../src/operators/traits.ts";
import { attentionKey, type AttentionLayer } from "../src/operators/attention/layer.ts";

const device = await gpuDevice();
const own = await loadTraits(device);
const asGpu = await loadTraits(new Device(device.gpu, device.info, { kind: "gpu" }));

const layer = (length: number, heads: number, headChannels: number): AttentionLayer => ({
  length,
  heads,
  headChannels,
  scale: 1 / Math.sqrt(headChannels),
  activations: "f32",
});
const layers = [layer(21, 2, 12), layer(9, 1, 36), layer(5, 1, 68)];

/** Twins look at no variant. */
const plainVariant = { queries: 1, keys: 1, chunkVectors: 1, held: 0, share: "none", workgroupSize: 1 } as const;

/** Steep enough that maxima matter. */
function qkvOf({ length, heads, headChannels }: AttentionLayer, batch: number): Float32Array {
  return Float32Array.from(values(batch * length * 3 * heads * headChannels, 70, { deviation: 3 }));
}

describe.each(layers.map((one) => ({ key: attentionKey(one), layer: one })))("$key", ({ layer }) => {
  const batch = 2;
  const qkv = qkvOf(layer, batch);
  const candidates = new Map(
    [own, asGpu].flatMap((traits) => attentionCandidates(layer, traits)).map((one) => [one.id, one]),
  );

  it.each([...candidates.values()])("$id", async (choice) => {
    const made = attentionPlan(layer, choice, batch);
    const y = await withErrorScope(device, () => runPlan(device, made, { qkv }));
    const { length, heads, headChannels, scale } = layer;
    const expected = twins.attention({
      tensors: { qkv: Float64Array.from(qkv) },
      parameters: { batch, length, heads, headChannels, scale, ...wholeDispatch },
      variant: plainVariant,
    });
    expect(relativeError(y, expected.y)).toBeLessThanOrEqual(2e-5);
    const alone = await runPlan(device, attentionPlan(layer, choice, 1), { qkv });
    expect(alone).toEqual(y.subarray(0, alone.length));
  });

  it("has its default among the candidates, and takes a tuner's", () => {
    for (const traits of [own, asGpu]) {
      const ids = attentionCandidates(layer, traits).map(({ id }) => id);
      expect(ids).toContain(chooseAttention(layer, traits).id);
      expect(new Set(ids).size).toBe(ids.length);
      const choices = new Map([[attentionKey(layer), ids.at(-1)!]]);
      expect(chooseAttention(layer, traits, choices).id).toBe(ids.at(-1)!);
      choices.set(attentionKey(layer), "a kernel of another version");
      expect(chooseAttention(layer, traits, choices).id).toBe(chooseAttention(layer, traits).id);
    }
  });
});

it.each(Object.entries(attentionTable) as [AdapterFamily, (typeof attentionTable)[AdapterFamily]][])(
  "the table for %s names candidates",
  async (family, rules) => {
    const kind = family === "cpu" ? "cpu" : "gpu";
    const facts = { kind, family, workgroupBytes: 16384, matrix: undefined } as const;
    for (const subgroups of [true, false]) {
      const traits = await loadTraits({ ...facts, subgroups });
      for (const one of layers) expect(rules.map(({ id }) => id)).toContain(chooseAttention(one, traits).id);
    }
    const traits = await loadTraits({ ...facts, subgroups: true });
    const known = layers.flatMap((one) => attentionCandidates(one, traits));
    expect(known.map(({ id }) => id)).toEqual(expect.arrayContaining(rules.map(({ id }) => id)));
  },
);

it("long attention goes in pieces, which together are the whole", async () => {
  const long = layer(1024, 8, 32);
  const choice = chooseAttention(long, own);
  if (choice.method !== "blocked") throw new Error("a processor has no tiles");
  const made = attentionPlan(long, choice, 1);
  const macs = made.plan.dispatches.map((dispatch) => dispatch.macs);
  expect(macs).toEqual([2 ** 28, 2 ** 28]);
  const qkv = qkvOf(long, 1);
  const whole = attentionPlan(long, choice, 1);
  const { length, heads, headChannels, scale } = long;
  const builder = new PlanBuilder();
  builder.dispatch(attention, {
    tensors: { qkv: builder.share(whole.tensors.qkv), y: builder.share(whole.tensors.y) },
    parameters: { batch: 1, length, heads, headChannels, scale, ...wholeDispatch },
    variant: choice.variant,
  });
  const y = await runPlan(device, { plan: builder.finish(), tensors: whole.tensors }, { qkv });
  expect(await runPlan(device, made, { qkv })).toEqual(y);
});

it("cuts by what is computed: a head in several chunks computes its scores for each", () => {
  const one = layer(1024, 1, 1024);
  const dispatches = (traits: Traits) => attentionPlan(one, chooseAttention(one, traits)).plan.dispatches;
  // 2.1 G multiply-adds with the scores once, 18 G with them once for each of 16 chunks: 37 pieces of at most half a G.
  expect(dispatches(own).length).toBeGreaterThanOrEqual(37);
  expect(dispatches(asGpu).length).toBe(2);
});
