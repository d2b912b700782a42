/**
 * Classifiers of flags that no golden file has, on random weights: logits against the whole network in float64, the
 * gradient against that network's finite differences.
 */
import { describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { checkConfig, type ClassifierConfig, type UNetConfig } from "../src/checkpoints/config.ts";
import { relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { classifierMetadata, image, randomState, smallClassifier, stateFile } from "./support/randomNetworks.ts";
import { type StateDict, wholeNetwork } from "./twins/wholeNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { classifyOnce } from "../src/cli/tasks/classify.ts";

const device = await gpuDevice();
const asGpu = new Device(device.gpu, device.info, { kind: "gpu" });

interface Case {
  readonly title: string;
  readonly flags: Partial<UNetConfig>;
  readonly height?: number;
  readonly width?: number;
  readonly batch?: number;
  readonly on?: Device;
}

const cases: readonly Case[] = [
  {
    title: "attention pool of odd heads, not square but of as many pixels, one output",
    width: 16,
    height: 4,
    flags: { numHeadChannels: 2, outChannels: 1 },
  },
  {
    title: "attention pool, new order, no scale-shift, strided convolutions, two images",
    batch: 2,
    flags: { useNewAttentionOrder: true, useScaleShiftNorm: false, resblockUpdown: false },
  },
  {
    title: "adaptive, three levels of two blocks, groups of 3, not square, on the kernels for GPUs",
    on: asGpu,
    height: 4,
    width: 8,
    flags: {
      pool: "adaptive",
      modelChannels: 96,
      channelMult: [1, 1, 1],
      numResBlocks: 2,
      attentionResolutions: [4],
      outChannels: 7,
    },
  },
  {
    title: "spatial, 2×2 means between the levels, heads by number, one channel in, 4 groups a norm",
    height: 6,
    width: 4,
    flags: {
      pool: "spatial",
      resblockUpdown: false,
      convResample: false,
      numHeads: 4,
      numHeadChannels: -1,
      normNumGroups: 4,
      inChannels: 1,
      outChannels: 1001,
    },
  },
  {
    title: "spatial_v2, one level, attention in every block, no scale-shift",
    height: 3,
    width: 5,
    flags: { pool: "spatial_v2", channelMult: [1], attentionResolutions: [1], useScaleShiftNorm: false },
  },
];

/** log softmax(logits)[y] of one image. */
function logProbability(
  state: StateDict,
  config: UNetConfig,
  x: Float64Array,
  { t, y, ...size }: { t: number; y: number; height: number; width: number },
): number {
  const planes = image(x, 0, config.inChannels, size.height, size.width);
  const logits = wholeNetwork(state, config, { x: planes, t }).planes.map((plane) => plane[0]!);
  const maximum = Math.max(...logits);
  return logits[y]! - maximum - Math.log(logits.reduce((sum, value) => sum + Math.exp(value - maximum), 0));
}

describe.each(cases)("$title", ({ flags, height = 8, width = 8, batch = 1, on = device }) => {
  it("equals the float64 twin and its finite differences", async () => {
    const config: ClassifierConfig = { ...smallClassifier, ...flags } as ClassifierConfig;
    checkConfig(config);
    const state = randomState(config);
    const file = stateFile(state, classifierMetadata(config));
    const before = device.counters.liveBytes;
    const checkpoint = await openClassifier(bytesSource("random", file));
    expect(checkpoint.config).toEqual(config);
    const classifier = await Classifier.load(on, checkpoint);
    const { inChannels, outChannels } = config;
    const count = inChannels * height * width;
    const x = Float32Array.from(values(batch * count, 1));
    const t = Array.from({ length: batch }, (_, n) => 37.5 + 200 * n);
    const y = t.map((_, n) => (3 + 5 * n) % outChannels);
    const { logits, grad } = await classifyOnce(on, classifier, {
      shape: { batch, channels: inChannels, height, width },
      x,
      t,
      y,
    });
    classifier.dispose();
    expect(device.counters.liveBytes).toBe(before);
    for (let n = 0; n < batch; n++) {
      const own = Float64Array.from(x.subarray(n * count, (n + 1) * count));
      const expected = wholeNetwork(state, config, { x: image(own, 0, inChannels, height, width), t: t[n]! });
      const wanted = expected.planes.map((plane) => plane[0]!);
      expect(relativeError(logits.subarray(n * outChannels, (n + 1) * outChannels), wanted)).toBeLessThanOrEqual(1e-5);
      const gradient = Float64Array.from(grad.subarray(n * count, (n + 1) * count));
      const norm = Math.hypot(...gradient);
      // One class: its probability is 1 whatever x is.
      if (outChannels === 1) {
        expect(norm).toBe(0);
        continue;
      }
      expect(norm).toBeGreaterThan(1e-4);
      const at = { t: t[n]!, y: y[n]!, height, width };
      // Along itself the gradient has its whole length; along a direction of random signs it shows errors across.
      const directions = [
        gradient.map((value) => value / norm),
        values(count, 77).map((value) => Math.sign(value) / Math.sqrt(count)),
      ];
      for (const direction of directions) {
        const h = 1e-4;
        const moved = (sign: number) =>
          logProbability(
            state,
            config,
            own.map((value, i) => value + sign * h * direction[i]!),
            at,
          );
        const slope = (moved(1) - moved(-1)) / (2 * h);
        const product = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
        expect(Math.abs(product - slope) / norm).toBeLessThanOrEqual(2e-5);
      }
    }
  });
});
