/**
 * What is measured one by one: every convolution and attention of the networks as the adapter would run it (or in every
 * way it can), every other dispatch of their plans, and the sampler's; equal ones once. Not here: numbers and checks
 * (`check.ts`), times (`kernels.ts`).
 */
import { read, type Bindings, type Variant } from "../src/engine/kernel.ts";
import { PlanBuilder, type Dispatch, type Plan } from "../src/engine/plan.ts";
import { byteLength, type Tensor } from "../src/engine/tensor.ts";
import { InputError } from "../src/errors.ts";
import { attentionMacs, attentionPlan } from "../src/operators/attention/plan.ts";
import { convolutionPlan } from "../src/operators/convolution/plan.ts";
import { attention } from "../src/shaders/attention.ts";
import { attentionCandidates, chooseAttention } from "../src/operators/attention/candidates.ts";
import { chooseConvolution, convolutionCandidates } from "../src/operators/convolution/candidates.ts";
import { kernels } from "../src/shaders/index.ts";
import { convolutionBindings } from "../src/shaders/convolution.ts";
import { networkPlans, samplerPlan, type BenchNetwork } from "./networks.ts";
import type { Traits } from "../src/operators/traits.ts";
import { attentionKey, type AttentionChoice, type AttentionLayer } from "../src/operators/attention/layer.ts";
import {
  convolutionKey,
  type ConvolutionChoice,
  type ConvolutionChoices,
  type ConvolutionLayer,
  layerMacs,
} from "../src/operators/convolution/layer.ts";
import type { Precision } from "../src/numbers/storage.ts";

export interface BenchCase {
  /** The same text for the same work done in the same way: what results are compared by. */
  readonly key: string;
  /** Of the dispatches, in order, joined by "+". */
  readonly kernel: string;
  readonly variant: string;
  /** For people: "3×3, 32×32, 128+64 → 128". */
  readonly shape: string;
  /** Of the work itself, however it is done. */
  readonly macs: number;
  /** Every tensor of the work once: what must be moved at least. */
  readonly bytes: number;
  /** In which networks, and how often in a forward of each. */
  readonly uses: Record<string, number>;
  readonly plan: Plan;
  /** By binding; all of them external. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly bindings: Bindings;
  /** Whose answer outputs are compared with: the twin of a kernel of this package, by name, or that of another. */
  readonly twin: string | Twin;
  /** Numbers of the inputs, by binding; those that are missing are random. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>> | undefined;
  /** Relative error that is allowed; none: what rounding of the element types explains. */
  readonly tolerance?: number | undefined;
  /** What the twin is called with. */
  readonly call: { readonly parameters: Readonly<Record<string, number>>; readonly variant: Variant };
}

/** What a kernel computes, naively and in float64, from its inputs by binding: all that it writes. Typed: `TwinOf`. */
export type Twin = {
  // A method, whose parameter may be narrower: a `TwinOf` names its bindings.
  answer(call: {
    readonly tensors: Readonly<Record<string, Float64Array | undefined>>;
    readonly parameters: Readonly<Record<string, number>>;
    readonly variant: Variant;
  }): Readonly<Record<string, Float64Array>>;
}["answer"];

/** What a case of a kernel of one's own brings along. */
export type OwnCase = Partial<Pick<BenchCase, "twin" | "inputs" | "tolerance">>;

export interface CaseOptions {
  readonly traits: Traits;
  readonly precision: Precision;
  /** Every candidate of a layer instead of the chosen one. */
  readonly candidates?: boolean;
  readonly choices?: ConvolutionChoices | undefined;
}

/** Parameters that change neither the work nor its shape. */
const immaterial = new Set(["embeddingOffset", "epsilon", "draw", "offset"]);

/** The distinct cases, those with the fewest multiply-adds first. */
export function benchCases(networks: readonly BenchNetwork[], options: CaseOptions): BenchCase[] {
  const cases = new Map<string, BenchCase>();
  const add = (made: BenchCase, network: string) => {
    const known = cases.get(made.key) ?? made;
    known.uses[network] = (known.uses[network] ?? 0) + 1;
    cases.set(made.key, known);
  };
  for (const network of networks) {
    const { plans, convolutions, attentions } = networkPlans(network, options);
    const names = new Set([...convolutions, ...attentions].map(({ name }) => name));
    const wanted = ({ kernel, label }: Dispatch) =>
      network.only ? network.only.includes(kernel.name) : !names.has(label);
    for (const plan of [...plans, ...(network.only ? [] : [samplerPlan(network)])])
      for (const dispatch of plan.dispatches.filter(wanted)) add(dispatchCase(dispatch), network.name);
    if (network.only) continue;
    for (const { layer } of convolutions) {
      const choices = options.candidates
        ? convolutionCandidates(layer, options.traits)
        : [chooseConvolution(layer, options.traits, options.choices)];
      for (const choice of choices) add(convolutionCase(layer, choice), network.name);
    }
    for (const { layer } of attentions) {
      const choices = options.candidates
        ? attentionCandidates(layer, options.traits)
        : [chooseAttention(layer, options.traits, options.choices)];
      for (const choice of choices) add(attentionCase(layer, choice), network.name);
    }
  }
  return [...cases.values()].sort((a, b) => a.macs - b.macs || a.bytes - b.bytes);
}

/** One layer, done in one way. */
export function convolutionCase(layer: ConvolutionLayer, choice: ConvolutionChoice): BenchCase {
  const { plan, tensors } = convolutionPlan(layer, choice);
  const { kernel, stride, activation, norm, upsample, upsampleResidual, ...sizes } = layer;
  const { height, width, outHeight, outWidth, channels0, channels1, outChannels, pad } = sizes;
  const bound = Object.fromEntries(Object.entries(tensors).flatMap(([name, t]) => (t ? [[name, t as Tensor]] : [])));
  return {
    key: `convolution ${convolutionKey(layer)} by ${choice.id}`,
    kernel: plan.dispatches.map((dispatch) => dispatch.kernel.name).join("+"),
    variant: choice.id,
    shape: convolutionWords(layer),
    macs: layerMacs(layer, 1),
    bytes: bytesOf(bound),
    uses: {},
    plan,
    tensors: bound,
    bindings: { affine: read, ...convolutionBindings },
    twin: "convolutionBlocked",
    call: {
      parameters: { batch: 1, height, width, outHeight, outWidth, channels0, channels1, outChannels, pad },
      variant: {
        kernel,
        stride,
        activation,
        upsample: upsample ?? false,
        upsampleResidual: upsampleResidual ?? false,
        ...(norm === undefined ? {} : { norm }),
      },
    },
  };
}

function attentionCase(layer: AttentionLayer, choice: AttentionChoice): BenchCase {
  const { plan, tensors } = attentionPlan(layer, choice);
  const { length, heads, headChannels, scale } = layer;
  return {
    key: `${attentionKey(layer)} by ${choice.id}`,
    kernel: plan.dispatches[0]!.kernel.name,
    variant: choice.id,
    shape: `${length} tokens, ${heads} heads of ${headChannels}`,
    macs: attentionMacs(layer, 1),
    bytes: bytesOf({ ...tensors }),
    uses: {},
    plan,
    tensors: { ...tensors },
    bindings: attention.bindings,
    twin: attention.name,
    call: { parameters: { batch: 1, length, heads, headChannels, scale }, variant: choice.variant },
  };
}

function convolutionWords(layer: ConvolutionLayer): string {
  const { kernel, stride, activation, residual, outHeight, outWidth, channels0, channels1, outChannels } = layer;
  const { norm, upsample, upsampleResidual } = layer;
  const size = outHeight === 1 ? `${outWidth} rows` : `${outHeight}×${outWidth}`;
  return [
    `${kernel}×${kernel}, ${size}, ${channels1 ? `${channels0}+${channels1}` : channels0} → ${outChannels}`,
    ...(stride === 1 ? [] : [`stride ${stride}`]),
    ...(norm === undefined ? [] : [`after ${norm === "none" ? "a norm" : `norm and ${norm}`}`]),
    ...(upsample ? ["nearest ×2"] : []),
    ...(activation === "none" ? [] : [activation]),
    ...(residual ? [upsampleResidual ? "residual nearest ×2" : "residual"] : []),
  ].join(", ");
}

/**
 * One dispatch as a plan of its own.
 * @param own for a kernel that is none of this package's: its twin, and what else the case needs
 * @throws InputError where nothing says what the kernel computes
 */
export function dispatchCase(dispatch: Dispatch, { twin, inputs, tolerance }: OwnCase = {}): BenchCase {
  const { kernel, variant, tensors, rows, macs } = dispatch;
  if (twin === undefined && kernels[kernel.name as keyof typeof kernels] !== kernel)
    throw new InputError(
      `${kernel.name} is no kernel of this package: say what it computes, dispatchCase(dispatch, { twin })`,
    );
  const parameters = rows[0]!;
  const builder = new PlanBuilder();
  const bound: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(tensors))
    if (tensor) bound[name] = builder.external(name, tensor.dtype, tensor.shape);
  builder.dispatch(kernel, { tensors: bound, parameters, variant, macs });
  const material = Object.entries(parameters).filter(([name]) => !immaterial.has(name));
  const shapes = Object.entries(bound).map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape}]`);
  const words = Object.entries(variant).map(([name, value]) => `${name}=${value}`);
  return {
    key: [kernel.name, ...words, ...shapes, ...material.map(([name, value]) => `${name}=${value}`)].join(" "),
    kernel: kernel.name,
    variant: words.join(" "),
    shape: dispatchWords(variant, parameters, bound),
    macs,
    bytes: bytesOf(bound),
    uses: {},
    plan: builder.finish(),
    tensors: bound,
    bindings: kernel.bindings,
    twin: twin ?? kernel.name,
    inputs,
    tolerance,
    call: { parameters, variant },
  };
}

/** What the parameters say, in the words of the field where there are some. */
function dispatchWords(variant: Variant, p: Readonly<Record<string, number>>, tensors: Record<string, Tensor>): string {
  const channels = p.channels0 === undefined ? p.channels : p.channels1 ? `${p.channels0}+${p.channels1}` : p.channels0;
  if (p.headChannels !== undefined) return `${p.length} tokens, ${p.heads} heads of ${p.headChannels}`;
  const words = [variant.activation, variant.embedding, ...(tensors.add ? ["added"] : [])];
  const more = words.filter((word) => word !== undefined && word !== "none");
  if (p.pixels !== undefined) return [`${p.pixels} pixels × ${channels}`, ...more].join(", ");
  if (p.height !== undefined) return [`${p.height}×${p.width} × ${channels}`, ...more].join(", ");
  if (p.vectors !== undefined) return `${p.images ?? 1} × ${p.vectors} vec4s`;
  const [largest] = Object.values(tensors).toSorted((a, b) => byteLength(b) - byteLength(a));
  return largest!.shape.join("×");
}

const bytesOf = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.values(tensors).reduce((sum, tensor) => sum + byteLength(tensor), 0);
