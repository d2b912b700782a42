/**
 * Seeded damage to checkpoints as a whole: safetensors, state dicts inside of wrappers, config.json and
 * scheduler_config.json, an index and its parts. Whatever comes, opening must end in a network or in a user's error of
 * one line. Not here: how many cases run (test/full/checkpointFuzz.test.ts), pickles alone (pytorchFuzz.ts).
 */
import { openCheckpoint } from "../../src/checkpoints/checkpoint.ts";
import { diffusersArchitecture } from "../../src/checkpoints/diffusers/config.ts";
import { tensorsOf } from "../../src/checkpoints/layers.ts";
import { bytesSource } from "../../src/files/bytes.ts";
import { openTensors } from "../../src/files/open.ts";
import { writeSafetensors, type WritableTensor } from "../../src/files/safetensors.ts";
import { openShards } from "../../src/files/shards.ts";
import { type Tally, tallyDamaged } from "./damaged.ts";
import { underDiffusersNames } from "./diffusersNames.ts";
import { floats, flatten, orderedDict, tensor, torchZip } from "./pytorch.ts";
import { uniform } from "./random.ts";
import { tinyNetwork } from "./tinyNetwork.ts";

type Next = () => number;

const config = {
  _class_name: "UNet2DModel",
  sample_size: 8,
  in_channels: 3,
  out_channels: 3,
  layers_per_block: 1,
  block_out_channels: [32, 32],
  down_block_types: ["DownBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "UpBlock2D"],
  attention_head_dim: 8,
  norm_num_groups: 32,
  attn_norm_num_groups: 8,
  norm_eps: 1e-5,
  num_class_embeds: null,
  resnet_time_scale_shift: "default",
  downsample_padding: 1,
};
const scheduler = {
  _class_name: "DDPMScheduler",
  beta_schedule: "squaredcos_cap_v2",
  prediction_type: "v_prediction",
  num_train_timesteps: 1000,
  variance_type: "fixed_small",
  clip_sample: true,
};
const state = new Map(
  [...tensorsOf(diffusersArchitecture(config))].map(([name, shape]) => {
    return [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }];
  }),
);
const tensors = [...underDiffusersNames(state, 1)].map(([name, more]): WritableTensor => {
  return { name, dtype: "F32", ...more };
});
const diffusers = writeSafetensors(tensors, { format: "pt" });
const guided = tinyNetwork(["any", "cat"]);
const names = [...(await openTensors(bytesSource("guided", guided))).tensors];

/** Values that a field of JSON may have by mistake or by malice. */
const odd: readonly ((next: Next) => unknown)[] = [
  () => null,
  () => true,
  () => "",
  () => "x".repeat(300),
  () => "../../etc/passwd",
  () => [],
  () => ({}),
  () => -1,
  () => 0,
  () => 1.5,
  () => 1e308,
  () => 2 ** 20,
  () => 2 ** 53,
  (next) => Math.floor(next() * 64),
  (next) => Array.from({ length: Math.floor(next() * 14) }, () => Math.floor(next() * 5) * 32),
  () => ({ constructor: 1, length: 1e9 }),
  () => [[[[]]]],
];

/** A copy with some fields changed, gone, or new ones in it. */
function mutatedJson(json: unknown, next: Next, depth = 0): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  if (typeof json !== "object" || json === null || depth > 4 || next() < 0.02) return pick(odd)(next);
  if (Array.isArray(json)) return json.map((item) => (next() < 0.3 ? mutatedJson(item, next, depth + 1) : item));
  const entries = Object.entries(json);
  const changed = Math.max(1, Math.floor(3 * next()));
  for (let i = 0; i < changed; i++) {
    const at = Math.floor(next() * entries.length);
    const kind = next();
    if (kind < 0.15) entries.splice(at, 1);
    else if (kind < 0.3)
      entries.push([pick(["__proto__", "new_field", "", "toString", "weight_map"]), pick(odd)(next)]);
    else if (entries[at]) entries[at] = [entries[at][0], mutatedJson(entries[at][1], next, depth + 1)];
  }
  return JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`);
}

/** Some bytes changed, cut, doubled, or the rest gone. */
function mutatedBytes(original: Uint8Array, next: Next, range = original.length): Uint8Array {
  let bytes = original.slice();
  for (let changes = 1 + Math.floor(6 * next() ** 3); changes > 0; changes--) {
    const at = Math.floor(next() * Math.min(range, bytes.length));
    const kind = Math.floor(next() * 6);
    if (kind < 2) bytes[at] = Math.floor(next() * 256);
    else if (kind === 2) bytes[at]! ^= 1 << Math.floor(next() * 8);
    else if (kind === 3) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + 8 * next())]);
    else if (kind === 4) bytes.copyWithin(at, Math.floor(next() * range), Math.floor(next() * range));
    else if (next() < 0.2) bytes = bytes.slice(0, at);
  }
  return bytes;
}

/** Its JSON header changed as JSON, with a length that fits it. */
function mutatedHeader(file: Uint8Array, next: Next): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const text = new TextEncoder().encode(JSON.stringify(mutatedJson(header, next)));
  const bytes = new Uint8Array(8 + text.length + file.length - 8 - length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(file.subarray(8 + length), 8 + text.length);
  return bytes;
}

const pieces = [
  "module.",
  "model.",
  "ema.",
  "net_ema.",
  "a.",
  "model_ema",
  "..",
  "",
  "input_blocks.0.",
  "lpips.",
  "💥",
];

/** A pickle of the network's names under odd prefixes, some twice, some without dots, beside other things. */
function wrapped(next: Next): Uint8Array {
  const prefix = () =>
    Array.from({ length: Math.floor(4 * next()) }, () => pieces[Math.floor(next() * pieces.length)]).join("");
  const prefixes = Array.from({ length: 1 + Math.floor(3 * next()) }, prefix);
  const dict: Record<string, unknown> = {};
  for (const prefix of prefixes)
    for (const [name, { shape }] of names) {
      if (next() < 0.01) continue;
      const own = next() < 0.002 ? "x" : name;
      dict[next() < 0.01 ? (prefix + own).replaceAll(".", "") : prefix + own] = tensor({
        key: "0",
        count: 4,
        size: next() < 0.002 ? [3] : shape,
        strides: shape.map(() => 0),
      });
    }
  return flatten(
    torchZip(next() < 0.5 ? { [pieces[Math.floor(next() * 6)]!]: orderedDict(dict) } : orderedDict(dict), {
      0: floats(1, 2, 3, 4),
    }),
  );
}

/** What is opened in case `i`. */
const kinds: readonly ((next: Next) => Promise<unknown>)[] = [
  (next) => openCheckpoint(bytesSource("guided", mutatedBytes(guided, next, 12_000))),
  (next) => openCheckpoint(bytesSource("guided", mutatedHeader(guided, next))),
  (next) => openCheckpoint(bytesSource("diffusers", mutatedHeader(diffusers, next)), config),
  (next) => openCheckpoint(bytesSource("diffusers", diffusers), mutatedJson(config, next)),
  (next) =>
    openCheckpoint(bytesSource("diffusers", diffusers), { ...config, scheduler_config: mutatedJson(scheduler, next) }),
  (next) => openCheckpoint(bytesSource("wrapped", wrapped(next))),
  async (next) => {
    const half = tensors.length >> 1;
    const parts = [writeSafetensors(tensors.slice(0, half)), writeSafetensors(tensors.slice(half))];
    const map = Object.fromEntries(tensors.map(({ name }, i) => [name, `part-${i < half ? 0 : 1}.safetensors`]));
    const damaged = Math.floor(3 * next());
    const index = damaged === 2 ? mutatedJson({ metadata: {}, weight_map: map }, next) : { weight_map: map };
    const source = await openShards("parts", index, (name) => {
      const which = Number(/\d/.exec(name)?.[0] ?? 0) % 2;
      const bytes = which === damaged ? mutatedBytes(parts[which]!, next, 6_000) : parts[which]!;
      return Promise.resolve({ ...bytesSource(name, bytes), close: () => Promise.resolve() });
    });
    return openCheckpoint(source, config);
  },
  (next) =>
    openCheckpoint(
      bytesSource("guided", guided),
      mutatedJson({ num_heads: 1, image_size: 8, diffusion_steps: 100, noise_schedule: "linear" }, next),
    ),
];

/** Cases `first` … `first + count - 1`. */
export const fuzzCheckpoints = (first: number, count: number): Promise<Tally> =>
  tallyDamaged(first, count, 4000, (i) => kinds[i % kinds.length]!(uniform(i)));
