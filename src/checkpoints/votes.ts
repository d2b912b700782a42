/**
 * What the tensors of a guided-diffusion network say about it, each fact with the tensor that says it. Many tensors
 * give the same number, so the most frequent answer counts. Not here: what follows from the facts (infer.ts).
 */

import { classTable, headNames, layerNames, partNames, timeNames } from "./names.ts";

export type TensorShapes = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly dtype?: string; readonly scale?: unknown }
>;

interface Vote<T> {
  readonly value: T;
  /** A tensor with its shape, for messages. */
  readonly evidence: string;
}

export interface Found {
  readonly modelChannels: Vote<number> | undefined;
  readonly outChannels: Vote<number> | undefined;
  readonly stemChannels: Vote<number> | undefined;
  readonly numClasses: Vote<number> | undefined;
  readonly scaleShift: Vote<boolean> | undefined;
  readonly numResBlocks: number;
  /** Channels of each level. */
  readonly widths: Vote<number>[];
  /** Whether each level attends, and a tensor that shows it or would. */
  readonly attends: boolean[];
  readonly attentionEvidence: string[];
  /** How the levels are joined; "none": there is one level only. */
  readonly resample: "res" | "conv" | "pool" | "none";
  /** The tensors that show resample and numResBlocks. */
  readonly structure: string;
}

const blockPattern = /^(input|output)_blocks\.(\d{1,4})\.(\d)\.([a-z_]+)\./;
/** Deeper or longer networks than any that can be built: numbers above these are names' lies. */
const maxBlocks = 1000;

export function readTensorNames(tensors: TensorShapes): Found {
  const { modules, indices } = readModules(tensors);
  return readLevels(tensors, modules, readStructure(modules, indices), headNames.image.convolution);
}

/**
 * A classifier has no blocks on the way up to show where its levels end, and a residual block that halves looks like
 * any other: what the tensors say under every division of the blocks into equal levels. `head` is the layer that makes
 * the logits.
 */
export function readClassifierNames(tensors: TensorShapes, head: string): Found[] {
  const { modules, indices } = readModules(tensors);
  const total = Math.min(Math.max(-1, ...indices.input) + 1, maxBlocks);
  const divisions: Structure[] = [];
  for (let period = 2; period <= total; period++) {
    if (total % period !== 0) continue;
    const levels = total / period;
    const structure = `the ${total} input_blocks and their widths`;
    for (const resample of levels === 1 ? (["none"] as const) : (["res", "conv", "pool"] as const))
      divisions.push({ resample, numResBlocks: period - 1, levels, structure });
  }
  return divisions.map((division) => readLevels(tensors, modules, division, head));
}

function readModules(tensors: TensorShapes) {
  const modules = new Set<string>();
  const indices = { input: new Set<number>(), output: new Set<number>() };
  for (const name of tensors.keys()) {
    const match = blockPattern.exec(name);
    if (match) modules.add(`${match[1]}.${match[2]}.${match[3]}.${match[4]}`);
    const block = /^(input|output)_blocks\.(\d{1,3})\./.exec(name);
    if (block) indices[block[1] as "input" | "output"].add(Number(block[2]));
  }
  return { modules, indices };
}

/** The first words of a block's layers: "in_layers" of in_layers.0 and in_layers.2. */
function modulesOf(kind: keyof typeof partNames): string[] {
  return [...new Set(Object.values(partNames[kind]).map((part) => part.split(".")[0]!))];
}

/** The tensor that shows that an entry attends. */
const attentionOf = (entry: string) => `${layerNames({ kind: "attention", name: `${entry}.1` }).qkv}.weight`;

interface Structure extends Pick<Found, "resample" | "numResBlocks" | "structure"> {
  readonly levels: number;
}

function readLevels(tensors: TensorShapes, modules: ReadonlySet<string>, structure: Structure, head: string): Found {
  const { numResBlocks: n, levels } = structure;
  const hasOutput = [...modules].some((module) => module.startsWith("output."));
  const size = (name: string, axis: number, scale = 1): Vote<number>[] => {
    const shape = tensors.get(name)?.shape;
    const value = shape?.[axis];
    return value === undefined ? [] : [{ value: value / scale, evidence: `${name} [${shape!.join(", ")}]` }];
  };
  const sizes = (name: string, scale = 1) => [...size(`${name}.weight`, 0, scale), ...size(`${name}.bias`, 0, scale)];

  const widths: Vote<number>[] = [];
  const attends: boolean[] = [];
  const attentionEvidence: string[] = [];
  const scaleShift: Vote<boolean>[] = [];
  const embedding: Vote<number>[] = [
    ...size(`${timeNames[0]}.weight`, 1),
    ...timeNames.flatMap((name) => sizes(name, 4)),
  ];
  for (let level = 0; level < levels; level++) {
    const votes: Vote<number>[] = [];
    const blocks = [
      ...Array.from({ length: n }, (_, i) => ({ side: "input", index: 1 + level * (n + 1) + i })),
      ...Array.from({ length: hasOutput ? n + 1 : 0 }, (_, i) => ({
        side: "output",
        index: (levels - 1 - level) * (n + 1) + i,
      })),
    ];
    const attending: string[] = [];
    for (const { side, index } of blocks) {
      const res = layerNames({ kind: "res", name: `${side}_blocks.${index}.0` });
      const own = [...sizes(res.norm2), ...sizes(res.convolution2), ...sizes(res.convolution1)];
      votes.push(...own);
      const width = mostFrequent(own)?.value;
      for (const { value, evidence } of sizes(res.embedding)) {
        if (value === width || value === 2 * width!) scaleShift.push({ value: value === 2 * width!, evidence });
      }
      embedding.push(...size(`${res.embedding}.weight`, 1, 4));
      const hasAttention = modulesOf("attention").some((part) => modules.has(`${side}.${index}.1.${part}`));
      if (hasAttention) attending.push(attentionOf(`${side}_blocks.${index}`));
    }
    const width = mostFrequent(votes);
    if (!width) break;
    widths.push(width);
    attends.push(attending.length > blocks.length / 2);
    attentionEvidence.push(attending[0] ?? `the absence of ${attentionOf(`input_blocks.${blocks[0]!.index}`)}`);
  }
  return {
    ...structure,
    modelChannels: mostFrequent(embedding.filter(({ value }) => Number.isInteger(value) && value > 0)),
    outChannels: mostFrequent(sizes(head)),
    stemChannels: mostFrequent(size("input_blocks.0.0.weight", 1)),
    numClasses: mostFrequent(size(classTable, 0)),
    scaleShift: mostFrequent(scaleShift),
    widths,
    attends,
    attentionEvidence,
  };
}

/**
 * Input blocks: a stem, then n blocks a level and a resampling between levels; output blocks: n + 1 a level, the last
 * of a level resampling. A resampling ResBlock looks like any other on the way down, but on the way up it stands behind
 * another one; a pooling one has no tensors, which leaves a gap in the input blocks' numbers.
 */
function readStructure(
  modules: ReadonlySet<string>,
  { input, output }: { input: ReadonlySet<number>; output: ReadonlySet<number> },
): Structure {
  const positions = (side: "input" | "output", place: string, kind: keyof typeof partNames) => {
    const pattern = new RegExp(String.raw`^${side}\.(\d+)\.${place}\.(?:${modulesOf(kind).join("|")})$`);
    const hits = [...modules].flatMap((module) => pattern.exec(module)?.[1] ?? []);
    return [...new Set(hits.map(Number))].filter((index) => index < maxBlocks).sort((a, b) => a - b);
  };
  const last = (set: ReadonlySet<number>) => Math.max(-1, ...set);
  const totals = [last(input) + 1, last(output) + 1, output.size].map((value) => ({ value, evidence: "" }));
  const total = mostFrequent(totals)!.value;

  const resUps = positions("output", "[12]", "res");
  const convUps = positions("output", "[12]", "upsample");
  const convDowns = positions("input", "0", "downsample");
  const gaps: number[] = [];
  for (let index = 1; index < total; index++) if (!input.has(index)) gaps.push(index);

  const finish = (resample: Found["resample"], period: number, structure: string) => {
    const levels = period > 0 ? Math.min(Math.round(total / period), maxBlocks) : 0;
    return { resample, numResBlocks: Math.max(period - 1, 0), levels, structure };
  };
  const upward = (indices: number[]) => indices.map((index) => index + 1);
  if (resUps.length > convUps.length + convDowns.length) {
    const [entry] = resUps as [number];
    const place = modules.has(`output.${entry}.2.${modulesOf("res")[0]}`) ? 2 : 1;
    const { convolution1 } = layerNames({ kind: "res", name: `output_blocks.${entry}.${place}` });
    return finish("res", period(upward(resUps), total), `${convolution1}.weight`);
  }
  if (convUps.length + convDowns.length > 0) {
    const block =
      convDowns.length > 0
        ? ({ kind: "downsample", name: `input_blocks.${convDowns[0]}.0` } as const)
        : ({ kind: "upsample", name: `output_blocks.${convUps[0]}.*` } as const);
    const evidence = `${layerNames(block).convolution}.weight`;
    return finish("conv", period([...new Set([...upward(convUps), ...convDowns])], total), evidence);
  }
  if (gaps.length > 0) return finish("pool", period(gaps, total), `the absence of input_blocks.${gaps[0]}`);
  return finish("none", total, `the ${total} output_blocks without an upsampling between them`);
}

/**
 * Blocks a level: the divisor of the total whose multiples differ least from the positions of the resamplings, so that
 * one that is missing or misplaced does not change the answer.
 */
function period(positions: number[], total: number): number {
  let best = { period: total, cost: Infinity };
  for (let period = 1; period <= total; period++) {
    if (total % period !== 0) continue;
    const hits = positions.filter((position) => position % period === 0 && position < total).length;
    const cost = positions.length - hits + (total / period - 1 - hits);
    if (cost < best.cost) best = { period, cost };
  }
  return best.period;
}

/** The first of the most frequent values. */
function mostFrequent<T>(votes: Vote<T>[]): Vote<T> | undefined {
  const counts = new Map<T, number>();
  for (const { value } of votes) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  return votes.find(({ value }) => counts.get(value) === most);
}
