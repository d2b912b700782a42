/** A network whose answer at every level is a matrix times x: for runs whose results are known. */
import type { DiffusionSettings } from "../../src/checkpoints/config.ts";
import type { Device } from "../../src/engine/device.ts";
import { Executor } from "../../src/engine/executor.ts";
import { defineKernel, read, readScalar, write } from "../../src/engine/kernel.ts";
import { PlanBuilder } from "../../src/engine/plan.ts";
import { tensorUsage } from "../../src/engine/usage.ts";
import { wgsl } from "../../src/engine/wgsl.ts";
import { diffusionOf } from "../../src/repaint/planRun.ts";
import type { Sampling } from "../../src/repaint/sampling.ts";
import { elementwiseMain, elementwiseWorkgroups } from "../../src/shaders/lib/elementwise.ts";
import type { ImageShape } from "../../src/unet/layout.ts";
import type { UNet } from "../../src/unet/unet.ts";

/** y[n, p, c] = Σ_q m[p, q] · x[n, q, c] */
const linearMap = defineKernel()({
  name: "linearMap",
  bindings: { m: readScalar, x: read, y: write },
  parameters: { images: "u32", pixels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.pixels * 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.images * parameters.pixels")}
  let image = index / parameters.pixels;
  let row = index % parameters.pixels * parameters.pixels;
  var sum = vec4<f32>(0.0);
  for (var q = 0u; q < parameters.pixels; q++) { sum += m[row + q] * load_x(image * parameters.pixels + q); }
  store_y(index, sum);
}
`,
});

interface LinearNetwork {
  readonly settings: DiffusionSettings;
  /** Those that it is used with. */
  readonly samplings: readonly Sampling[];
  readonly matrix: (side: number, alphaBar: number) => Float32Array<ArrayBuffer>;
  /** Its pictures' own. */
  readonly imageSize?: number;
}

interface Table {
  readonly timesteps: readonly number[];
}

/** What a run asks of a network, answered by matrices: `matrix` of a square's side and a level's ᾱ, a row a pixel. */
export function linearNetwork(device: Device, { settings, samplings, matrix, imageSize }: LinearNetwork): UNet {
  const levels = new Map<number, number>();
  for (const { modelTimesteps, alphaBar } of samplings.map((sampling) => diffusionOf(settings, sampling)))
    for (const [i, timestep] of modelTimesteps.entries()) levels.set(timestep, alphaBar[i]!);
  const session = async ({ batch, height }: ImageShape) => {
    const pixels = height * height;
    const buffers: GPUBuffer[] = [];
    const buffer = async (name: string, floats: number): Promise<GPUBuffer> => {
      buffers.push(await device.createBuffer(name, floats * 4, tensorUsage));
      return buffers.at(-1)!;
    };
    const [x, out] = [await buffer("x", batch * pixels * 4), await buffer("out", batch * pixels * 4)];
    const executors = new Map<number, Executor>();
    for (const [timestep, level] of levels) {
      const m = await buffer("m", pixels * pixels);
      device.upload(m, 0, matrix(height, level));
      const builder = new PlanBuilder();
      const tensors = {
        m: builder.external("m", "f32", [pixels, pixels]),
        x: builder.external("x", "f32", [batch, pixels, 4]),
        y: builder.external("out", "f32", [batch, pixels, 4]),
      };
      builder.dispatch(linearMap, { tensors, parameters: { images: batch, pixels }, variant: {} });
      const ranges = new Map([
        [tensors.m, { buffer: m }],
        [tensors.x, { buffer: x }],
        [tensors.y, { buffer: out }],
      ]);
      executors.set(timestep, await Executor.create(device, builder.finish(), ranges));
    }
    const dispose = (): void => {
      for (const executor of executors.values()) executor.dispose();
      for (const one of buffers) device.destroyBuffer(one);
    };
    const submit = ({ timesteps }: Table, [row]: readonly number[]) => executors.get(timesteps[row!]!)!.submit();
    return { x, out, submit, dispose };
  };
  const network = {
    device,
    checkpoint: {
      diffusion: settings,
      architecture: { outChannels: 3 },
      config: { inChannels: 3, outChannels: 3, superRes: false, imageSize, numClasses: null },
    },
    session,
    embed: async (timesteps: readonly number[]) => ({ timesteps, dispose: () => undefined }),
  };
  return network as unknown as UNet;
}
