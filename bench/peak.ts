/**
 * What this adapter can do at most, measured: fused multiply-adds that touch nothing but registers, and a copy of a
 * large buffer. Every share in a report is a share of these two. The kernels stand here and not in src/shaders because
 * nothing but a benchmark runs them; a page that inpaints should not carry them.
 */
import type { Device } from "../src/engine/device.ts";
import { Executor } from "../src/engine/executor.ts";
import { defineKernel, read, write } from "../src/engine/kernel.ts";
import { PlanBuilder } from "../src/engine/plan.ts";
import { readFloats } from "../src/engine/readback.ts";
import { byteLength } from "../src/engine/tensor.ts";
import { timeExecutor } from "../src/engine/timing.ts";
import { tensorUsage } from "../src/engine/usage.ts";
import { unroll, wgsl } from "../src/engine/wgsl.ts";

export interface Peak {
  /** 10⁹ floating-point operations a second; a multiply-add is two. */
  readonly gflops: number;
  /** 10⁹ bytes a second, read and written. */
  readonly gigabytes: number;
  /** Which FMA variant was the fastest. */
  readonly variant: string;
}

/** Each thread runs `chains` independent recurrences a ← fma(a, m, c), vec4 wide. */
interface FmaVariant {
  readonly chains: number;
  readonly workgroupSize: number;
  [key: string]: number;
}

const unrolled = 8;

const fmaPeak = defineKernel<FmaVariant>()({
  name: "fmaPeak",
  bindings: { x: read, y: write },
  parameters: { groups: "u32", loops: "u32" },
  workgroups: (p) => p.groups,
  source: ({ header }, { chains, workgroupSize }) => wgsl`${header}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = workgroupIndex(group, groups) * ${workgroupSize}u + local;
  // Loaded, so that no compiler can compute the result beforehand.
  let m = load_x(0u);
  let c = load_x(1u);
${unroll(chains, (k) => `  var a${k} = load_x(2u) + vec4<f32>(${k}.0);`)}
  for (var i = 0u; i < parameters.loops; i++) {
${unroll(unrolled, () => unroll(chains, (k) => `    a${k} = fma(a${k}, m, c);`))}
  }
  store_y(index, ${Array.from({ length: chains }, (_, k) => `a${k}`).join(" + ")});
}
`,
});

const copyPeak = defineKernel()({
  name: "copyPeak",
  bindings: { x: read, y: write },
  parameters: { vectors: "u32" },
  workgroups: (p) => Math.ceil(p.vectors / 256),
  source: ({ header }) => wgsl`${header}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = workgroupIndex(group, groups) * 256u + local;
  if (index >= parameters.vectors) { return; }
  store_y(index, load_x(index));
}
`,
});

const fmaVariants: readonly FmaVariant[] = [
  { chains: 8, workgroupSize: 4 },
  { chains: 8, workgroupSize: 64 },
  { chains: 16, workgroupSize: 64 },
  { chains: 8, workgroupSize: 256 },
  { chains: 16, workgroupSize: 256 },
];

/** m = ½, so the recurrence settles at 2c. */
const [m, c] = [0.5, 0.75];

/** @throws Error where the adapter computes either wrongly: its times would mean nothing. */
export async function measurePeak(device: Device, signal?: AbortSignal): Promise<Peak> {
  const { gflops, variant } = await measureFma(device, signal);
  return { gflops, variant, gigabytes: await measureCopy(device, signal) };
}

async function measureFma(device: Device, signal?: AbortSignal): Promise<{ gflops: number; variant: string }> {
  let best = { gflops: 0, variant: "none" };
  const cpu = device.kind === "cpu";
  for (const variant of fmaVariants) {
    const threads = cpu ? 256 : 2 ** 18;
    const groups = threads / variant.workgroupSize;
    const loops = cpu ? 500 : 256;
    const builder = new PlanBuilder();
    const x = builder.external("x", "f32", [12]);
    const y = builder.external("y", "f32", [threads * 4]);
    builder.dispatch(fmaPeak, { tensors: { x, y }, parameters: { groups, loops }, variant });
    const input = await device.createBuffer("x", byteLength(x), tensorUsage);
    const output = await device.createBuffer("y", byteLength(y), tensorUsage);
    try {
      device.upload(input, 0, Float32Array.of(m, m, m, m, c, c, c, c, 1, 2, 3, 4));
      const externals = new Map([
        [x, { buffer: input }],
        [y, { buffer: output }],
      ]);
      const executor = await Executor.create(device, builder.finish(), externals);
      const { fastest } = await timeExecutor(device, executor, { samples: 7, budget: 2000, signal });
      executor.dispose();
      const [first] = await readFloats(device, output, 1);
      const expected = 2 * c * variant.chains;
      if (!(Math.abs(first! - expected) <= 1e-4 * expected))
        throw new Error(`this adapter computes fma wrongly: ${first} and not ${expected}`);
      const gflops = (threads * loops * unrolled * variant.chains * 8) / fastest / 1e6;
      const words = `${variant.chains} vec4 chains, workgroups of ${variant.workgroupSize}`;
      if (gflops > best.gflops) best = { gflops, variant: words };
    } finally {
      device.destroyBuffer(input);
      device.destroyBuffer(output);
    }
  }
  return best;
}

async function measureCopy(device: Device, signal?: AbortSignal): Promise<number> {
  // Larger than a last-level cache where the adapter allows it.
  const bytes = Math.min(device.limits.maxStorageBufferBindingSize, device.kind === "cpu" ? 2 ** 26 : 2 ** 28);
  const count = Math.floor(bytes / 16) * 4;
  const builder = new PlanBuilder();
  const x = builder.external("x", "f32", [count]);
  const y = builder.external("y", "f32", [count]);
  builder.dispatch(copyPeak, { tensors: { x, y }, parameters: { vectors: count / 4 }, variant: {} });
  const from = await device.createBuffer("x", count * 4, tensorUsage);
  const to = await device.createBuffer("y", count * 4, tensorUsage);
  try {
    const tail = Float32Array.of(1.5, -2.5, 3.5, -4.5);
    device.upload(from, count * 4 - 16, tail);
    const externals = new Map([
      [x, { buffer: from }],
      [y, { buffer: to }],
    ]);
    const executor = await Executor.create(device, builder.finish(), externals);
    const { fastest } = await timeExecutor(device, executor, { samples: 7, budget: 2000, signal });
    executor.dispose();
    const end = await readFloats(device, to, 4, count * 4 - 16);
    if (tail.some((value, i) => value !== end[i])) throw new Error("this adapter copies wrongly");
    return (2 * count * 4) / fastest / 1e6;
  } finally {
    device.destroyBuffer(from);
    device.destroyBuffer(to);
  }
}
