/** Seeded weights of LPIPS over AlexNet, by torchvision's names: distances of a realistic size. */
import { headName, trunk } from "../../src/evaluate/lpipsNetwork.ts";
import { values } from "./random.ts";

export type LpipsTensors = Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

export function lpipsTensors(): LpipsTensors {
  const tensors: LpipsTensors = new Map();
  const add = (name: string, shape: readonly number[], mean: number, deviation: number) => {
    const length = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { shape, data: Float32Array.from(values(length, 50 + tensors.size, { mean, deviation })) });
  };
  for (const [index, { name, kernel, in: input, out }] of trunk.entries()) {
    add(`${name}.weight`, [out, input, kernel, kernel], 0, Math.sqrt(2 / (input * kernel * kernel)));
    add(`${name}.bias`, [out], 0, 0.1);
    add(headName(index), [1, out, 1, 1], 0.05, 0.01);
  }
  return tensors;
}
