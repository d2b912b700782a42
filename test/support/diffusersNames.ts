/** Networks under the names that diffusers gives their tensors. */
import type { StateDict } from "../twins/wholeNetwork.ts";

export type Tensors = Map<string, { shape: readonly number[]; data: Float32Array }>;

/** guided-diffusion's state under diffusers' names, by rules of its own: levels of n + 1 entries, modules in order. */
export function underDiffusersNames(
  state: StateDict,
  blocks: number,
  { heads, old = false }: { heads?: number; old?: boolean } = {},
): Tensors {
  const result: Tensors = new Map();
  const rules: readonly (readonly [RegExp, (...groups: string[]) => string])[] = [
    [/^input_blocks\.0\.0\./, () => "conv_in."],
    [/^time_embed\.0\./, () => "time_embedding.linear_1."],
    [/^time_embed\.2\./, () => "time_embedding.linear_2."],
    [/^label_emb\./, () => "class_embedding."],
    [/^out\.0\./, () => "conv_norm_out."],
    [/^out\.2\./, () => "conv_out."],
    [/^middle_block\.1\./, () => "mid_block.attentions.0."],
    [/^middle_block\.0\./, () => "mid_block.resnets.0."],
    [/^middle_block\.2\./, () => "mid_block.resnets.1."],
  ];
  for (const [name, { shape, data }] of state) {
    let theirs = name;
    for (const [pattern, to] of rules) theirs = theirs.replace(pattern, to);
    theirs = theirs.replace(/^input_blocks\.(\d+)\.(\d)\./, (_, entry: string, part: string) => {
      const [level, index] = [Math.floor((Number(entry) - 1) / (blocks + 1)), (Number(entry) - 1) % (blocks + 1)];
      if (index === blocks) return `down_blocks.${level}.downsamplers.0.`;
      return `down_blocks.${level}.${part === "0" ? "resnets" : "attentions"}.${index}.`;
    });
    theirs = theirs.replace(
      /^output_blocks\.(\d+)\.(\d)\.(?=(\w+))/,
      (_, entry: string, part: string, next: string) => {
        const [level, index] = [Math.floor(Number(entry) / (blocks + 1)), Number(entry) % (blocks + 1)];
        const attends = ["norm", "qkv", "proj_out"].includes(next);
        if (part !== "0" && !attends) return `up_blocks.${level}.upsamplers.0.`;
        return `up_blocks.${level}.${attends ? "attentions" : "resnets"}.${index}.`;
      },
    );
    theirs = theirs
      .replace(".in_layers.0.", ".norm1.")
      .replace(".in_layers.2.", ".conv1.")
      .replace(".emb_layers.1.", ".time_emb_proj.")
      .replace(".out_layers.0.", ".norm2.")
      .replace(".out_layers.3.", ".conv2.")
      .replace(".skip_connection.", ".conv_shortcut.")
      .replace(".op.", ".conv.")
      .replace(/attentions\.(\d)\.norm\./, "attentions.$1.group_norm.")
      .replace(".proj_out.", old ? ".proj_attn." : ".to_out.0.");
    if (!theirs.includes(".qkv.")) {
      const flat = theirs.includes("attentions") && shape.length === 3 ? shape.slice(0, 2) : shape;
      result.set(theirs, { shape: flat, data: Float32Array.from(data) });
      continue;
    }
    const [rows, columns] = [shape[0]!, shape.length > 1 ? shape[1]! : 1];
    const channels = rows / 3;
    for (const [which, part] of (old ? ["query", "key", "value"] : ["to_q", "to_k", "to_v"]).entries()) {
      const taken = new Float32Array(channels * columns);
      for (let c = 0; c < channels; c++) {
        // With `heads` the state has the legacy order: q, k, v head by head.
        const width = channels / (heads ?? 1);
        const row =
          heads === undefined ? which * channels + c : (Math.floor(c / width) * 3 + which) * width + (c % width);
        for (let i = 0; i < columns; i++) taken[c * columns + i] = data[row * columns + i]!;
      }
      result.set(theirs.replace("qkv", part), {
        shape: shape.length > 1 ? [channels, columns] : [channels],
        data: taken,
      });
    }
  }
  return result;
}
