/** A network of one level with synthetic weights, as a file: compiles and steps as quickly as any, and paints noise. */
import { expectedTensors } from "../../src/checkpoints/layers.ts";
import { completeConfig, parseFlags } from "../../src/checkpoints/flags.ts";
import { writeSafetensors } from "../../src/files/safetensors.ts";
import { synthesizeTensor } from "../../src/checkpoints/synthesis.ts";

export const tinySize = 8;

const plain = {
  image_size: tinySize,
  in_channels: 3,
  model_channels: 32,
  out_channels: 6,
  channel_mult: [1],
  num_heads: 1,
  num_res_blocks: 1,
  attention_resolutions: [],
  use_scale_shift_norm: true,
};

/**
 * The bytes of the safetensors file. With names it is class-conditional; of "any" it knows that this means none.
 * `more`: flags beside or instead of the plain ones.
 */
export function tinyNetwork(classNames?: readonly string[], more: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const flags = { ...plain, ...(classNames ? { num_classes: classNames.length } : {}), ...more };
  const tensors = [...expectedTensors(completeConfig(parseFlags(flags)))].map(([name, shape]) => ({
    name,
    shape,
    dtype: "F32" as const,
    data: synthesizeTensor(name, shape),
  }));
  return writeSafetensors(tensors, {
    guided_diffusion_unet: JSON.stringify(flags),
    ...(classNames ? { class_names: JSON.stringify(classNames) } : {}),
    ...(classNames?.includes("any") ? { unconditional_class: String(classNames.indexOf("any")) } : {}),
  });
}
