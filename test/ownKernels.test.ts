/**
 * Kernels as somebody outside of this project writes them: right at every size or refused, and what is wrong with one
 * is its own error and nobody else's. The guide of docs/ is tried in test/docs.test.ts.
 */
import { describe, expect, test } from "vitest";
import { benchKernels, dispatchCase, type BenchCase, type TwinOf } from "../bench/index.ts";
import {
  createTensorBuffer,
  defineKernel,
  Executor,
  InputError,
  KernelError,
  PlanBuilder,
  read,
  readOptional,
  readScalar,
  readTensor,
  readWrite,
  wgsl,
  write,
  type BufferRange,
  type Dispatch,
  type Kernel,
  type Tensor,
} from "../src/engine/index.ts";
import { gpuDevice } from "./support/gpu.ts";

const device = await gpuDevice();

const main = `@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = workgroupIndex(group, groups) * 64u + local;`;

const double = defineKernel()({
  name: "double",
  bindings: { x: read, y: write },
  parameters: { vectors: "u32" },
  workgroups: ({ vectors }) => Math.ceil(vectors / 64),
  source: ({ header }) => wgsl`${header}
${main}
  if (i < parameters.vectors) { store_y(i, 2.0 * load_x(i)); }
}`,
});

/** As docs had it once: right up to 65,535 workgroups. */
const doubleByGlobalId: typeof double = Object.assign({}, double, {
  source: ({ header }: { header: string }) => wgsl`${header}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { // not workgroupIndex(group, groups)
  if (id.x < parameters.vectors) { store_y(id.x, 2.0 * load_x(id.x)); }
}`,
});

const doubleTwin: TwinOf<typeof double> = ({ tensors: { x } }) => ({ y: x.map((value) => 2 * value) });

interface Setup {
  readonly dispatch: Dispatch;
  readonly run: () => Promise<Float32Array | Uint32Array>;
}

/** One dispatch of `double`, or of one like it, over `length` elements. */
function setUp(kernel: typeof double, length: number, { dtype = "f32" as Tensor["dtype"], vectors = 0 } = {}): Setup {
  const builder = new PlanBuilder();
  const x = builder.external("x", dtype, [length]);
  const y = builder.external("y", dtype, [length]);
  const parameters = { vectors: vectors || Math.ceil(length / 4) };
  builder.dispatch(kernel, { tensors: { x, y }, parameters, variant: {} });
  const plan = builder.finish();
  const run = async () => {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = i % 1000;
    const buffers = new Map([[x, await createTensorBuffer(device, x, values)], [y, await createTensorBuffer(device, y)]]); // prettier-ignore
    return await runPlan(plan, buffers, y);
  };
  return { dispatch: plan.dispatches[0]!, run };
}

async function runPlan(
  plan: ReturnType<PlanBuilder["finish"]>,
  buffers: ReadonlyMap<Tensor, BufferRange>,
  out: Tensor,
): Promise<Float32Array | Uint32Array> {
  try {
    const executor = await Executor.create(device, plan, buffers);
    executor.submit();
    const values = await readTensor(device, out, buffers.get(out)!);
    executor.dispose();
    return values;
  } finally {
    for (const { buffer } of buffers.values()) device.destroyBuffer(buffer);
  }
}

function isTwice(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== 2 * (i % 1000)) return false;
  return true;
}

describe("more workgroups than a dimension has", () => {
  const length = 16_777_616;

  test("are all run: 16,777,616 floats are 65,538 workgroups", async () => {
    const values = await setUp(double, length).run();
    expect(values.length).toBe(length);
    expect(isTwice(values)).toBe(true);
  });

  test("are refused to a kernel that would leave some undone, which smaller sizes do not concern", async () => {
    await expect(setUp(doubleByGlobalId, length).run()).rejects.toThrow(
      new KernelError(
        "double: its workgroups go as 32769 × 2: the kernel must number them by workgroupIndex(workgroup_id, num_workgroups), not by global_invocation_id",
      ),
    );
    expect(isTwice(await setUp(doubleByGlobalId, 1000).run())).toBe(true);
  });
});

describe("numbers of every element type and length", () => {
  test.each(["f32", "f16"] as const)("%s, of a length that is no multiple of 4", async (dtype) => {
    expect(isTwice(await setUp(double, 1001, { dtype }).run())).toBe(true);
  });

  test("u32 as scalars, an optional binding, a variant", async () => {
    const pick = defineKernel<{ negate: boolean }>()({
      name: "pick",
      bindings: { x: readScalar, index: readScalar, scale: readOptional, y: readWrite },
      parameters: { count: "u32" },
      workgroups: () => 1,
      source: ({ header, has }, { negate }) => wgsl`${header}
@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < parameters.count; i++) {
    var value = vec4<f32>(x[index[i]]);
#if ${has.scale}
    value *= load_scale(i);
#endif
    store_y(i, load_y(i) + ${negate ? "-" : ""}value);
  }
}`,
    });
    const run = async (scaled: boolean, negate: boolean) => {
      const builder = new PlanBuilder();
      const x = builder.external("x", "f32", [3]);
      const index = builder.external("index", "u32", [2]);
      const scale = scaled ? builder.external("scale", "f32", [2, 4]) : undefined;
      const y = builder.external("y", "f32", [2, 4]);
      builder.dispatch(pick, { tensors: { x, index, scale, y }, parameters: { count: 2 }, variant: { negate } });
      const buffers = new Map<Tensor, BufferRange>([
        [x, await createTensorBuffer(device, x, [5, 6, 7])],
        [index, await createTensorBuffer(device, index, [2, 0])],
        [y, await createTensorBuffer(device, y, [1, 1, 1, 1, 1, 1, 1, 1])],
      ]);
      if (scale) buffers.set(scale, await createTensorBuffer(device, scale, [1, 2, 3, 4, 1, 1, 1, 1]));
      return [...(await runPlan(builder.finish(), buffers, y))];
    };
    expect(await run(false, false)).toEqual([8, 8, 8, 8, 6, 6, 6, 6]);
    expect(await run(true, true)).toEqual([-6, -13, -20, -27, -4, -4, -4, -4]);
  });

  test("whole numbers that f32 does not hold", async () => {
    const tensor = new PlanBuilder().external("x", "u32", [1]);
    const range = await createTensorBuffer(device, tensor, [16_777_217]);
    expect([...(await readTensor(device, tensor, range))]).toEqual([16_777_217]);
    device.destroyBuffer(range.buffer);
  });
});

describe("what is wrong with a kernel is its own error, and the next one runs", () => {
  const sourced = (source: (header: string) => string): typeof double =>
    Object.assign({}, double, { source: ({ header }: { header: string }) => source(header) });
  const x = new PlanBuilder().external("x", "f32", [1000]);

  async function runOn(kernel: Kernel, tensors: Record<string, Tensor>, parameters: object = { vectors: 250 }) {
    const builder = new PlanBuilder();
    for (const tensor of Object.values(tensors)) builder.share(tensor);
    builder.dispatch(kernel, { tensors, parameters: parameters as Record<string, number>, variant: {} });
    const buffers = new Map<Tensor, BufferRange>();
    for (const tensor of new Set(Object.values(tensors))) buffers.set(tensor, await createTensorBuffer(device, tensor));
    return await runPlan(builder.finish(), buffers, Object.values(tensors)[0]!);
  }
  const y = new PlanBuilder().external("y", "f32", [1000]);
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`b${i}`, read]));
  const crowded = Object.assign({}, double, { bindings: many, source: ({ header }: { header: string }) => `${header}@compute @workgroup_size(1) fn main() { _ = b0[0]; }` }) as unknown as Kernel; // prettier-ignore
  const all = Object.fromEntries(Object.keys(many).map((name) => [name, new PlanBuilder().external(name, "f32", [4])]));

  test.each<[string, () => Promise<unknown>, typeof KernelError | typeof InputError, RegExp]>([
    ["a word that is none", () => runOn(sourced((header) => `${header} fn main() { lett x; }`) as Kernel, { x, y }), KernelError, /double does not compile[^]*lett x/], // prettier-ignore
    ["no main", () => runOn(sourced((header) => header) as Kernel, { x, y }), KernelError, /does not compile/],
    ["too large a workgroup", () => runOn(sourced((header) => `${header}@compute @workgroup_size(4096) fn main() {}`) as Kernel, { x, y }), KernelError, /does not compile[^]*4096/], // prettier-ignore
    ["more bindings than the adapter has", () => runOn(crowded, all), KernelError, /double does not compile/],
    ["one tensor read and written", () => runOn(double as Kernel, { x, y: x }), KernelError, /usage/],
    ["a binding that is missing", () => runOn(double as Kernel, { x }), InputError, /^double: binding y is required/],
    ["a parameter that is missing", () => runOn(double as Kernel, { x, y }, {}), InputError, /^double: parameter vectors must be a number, got undefined$/], // prettier-ignore
    ["a parameter of another type", () => runOn(double as Kernel, { x, y }, { vectors: 1.5 }), InputError, /^double: parameter vectors must be u32, got 1.5$/], // prettier-ignore
    ["no workgroup", () => runOn(double as Kernel, { x, y }, { vectors: 0 }), KernelError, /^double: expected 1 to \d+ workgroups, got 0$/], // prettier-ignore
  ])("%s", async (_, call, type, message) => {
    const error = await call().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
    expect(isTwice(await setUp(double, 1000).run())).toBe(true);
    device.check();
  });

  test("a buffer that is too small, or for something else", async () => {
    const { dispatch } = setUp(double, 1001);
    const tensors = dispatch.tensors as { x: Tensor; y: Tensor };
    const builder = new PlanBuilder();
    builder.share(tensors.x);
    builder.share(tensors.y);
    builder.dispatch(double, { tensors, parameters: { vectors: 251 }, variant: {} });
    const plan = builder.finish();
    const good = await createTensorBuffer(device, tensors.x);
    for (const [size, usage, type, message] of [
      [4004, 0x80, InputError, /^y: f32 \[1001\] takes 4016 bytes, its buffer has 4004$/],
      [4016, 0x8, KernelError, /Storage/],
    ] as const) {
      const buffer = device.gpu.createBuffer({ size, usage });
      const error = await Executor.create(device, plan, new Map([[tensors.x, good], [tensors.y, { buffer }]])).catch((error: unknown) => error); // prettier-ignore
      expect(error).toBeInstanceOf(type);
      expect((error as Error).message).toMatch(message);
      buffer.destroy();
    }
    device.check();
    device.destroyBuffer(good.buffer);
    const wrong = createTensorBuffer(device, tensors.x, [1, 2]);
    await expect(wrong).rejects.toThrow(new InputError("x: expected 1001 numbers for [1001], got 2"));
  });

  test("a command of somebody else that is rejected is told once", async () => {
    const buffer = device.gpu.createBuffer({ size: 16, usage: 0x8 });
    device.gpu.queue.writeBuffer(buffer, 0, new Uint8Array(64));
    await expect(device.idle()).rejects.toThrow(KernelError);
    expect(isTwice(await setUp(double, 1000).run())).toBe(true);
    buffer.destroy();
  });
});

describe("a case of the benchmark", () => {
  const { dispatch } = setUp(double, 1001);
  const peak = { gflops: 10, gigabytes: 10 };
  const bench = async (test: BenchCase) => {
    for await (const row of benchKernels(device, [test], { peak: peak as never, caseSeconds: 1 })) return row;
    throw new Error("no row");
  };

  test("is checked by the twin that is given, and timed", async () => {
    const row = await bench(dispatchCase(dispatch, { twin: doubleTwin }));
    expect(row).toMatchObject({ kernel: "double", error: 0, checked: 1001 });
    expect(row.milliseconds).toBeGreaterThan(0);
  });

  test("with numbers and a tolerance of one's own", async () => {
    const x = Array.from({ length: 1001 }, (_, i) => i);
    const off: TwinOf<typeof double> = ({ tensors }) => ({ y: tensors.x.map((value, i) => (value === i ? 2.1 * i : NaN)) }); // prettier-ignore
    const row = await bench(dispatchCase(dispatch, { twin: off, inputs: { x }, tolerance: 0.05 }));
    expect(row.error).toBeCloseTo(0.1 / 2.1, 6);
    expect(row.failed).toBeUndefined();
    const tight = await bench(dispatchCase(dispatch, { twin: off, inputs: { x } }));
    expect(tight.failed).toMatch(/relative error 4.8e-2 over 1001 elements, at most 0.00002 is allowed/);
    expect(tight.milliseconds).toBeUndefined();
  });

  test("of elements that are left unwritten is not timed", async () => {
    const half = setUp(double, 1000, { vectors: 125 }).dispatch;
    expect((await bench(dispatchCase(half, { twin: doubleTwin }))).failed).toMatch(/not written/);
  });

  test("is refused without a twin, or with one that does not answer", async () => {
    expect(() => dispatchCase(dispatch)).toThrow(
      new InputError("double is no kernel of this package: say what it computes, dispatchCase(dispatch, { twin })"),
    );
    // A name of ours is none of our kernels.
    const named = setUp(Object.assign({}, double, { name: "relu" }), 8).dispatch;
    expect(() => dispatchCase(named)).toThrow(InputError);
    await expect(bench(dispatchCase(dispatch, { twin: () => ({}) }))).rejects.toThrow(
      new InputError("double: expected 1001 numbers of the twin for y, got none"),
    );
    await expect(bench(dispatchCase(dispatch, { twin: doubleTwin, inputs: { x: [1] } }))).rejects.toThrow(
      new InputError("double: expected 1001 numbers for x, got 1"),
    );
  });
});
