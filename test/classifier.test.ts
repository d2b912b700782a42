/**
 * Classifiers' logits and gradients against PyTorch's (the golden set only: REPAINT_GOLDEN), files, errors, bits in a
 * batch.
 */
import { describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { classifierPresets } from "../src/checkpoints/released/classifiers.ts";
import type { ClassifierConfig } from "../src/checkpoints/config.ts";
import { expectedTensors } from "../src/checkpoints/layers.ts";
import { inferClassifier } from "../src/checkpoints/classifier/infer.ts";
import { goldenTensors, goldenUrl, relativeError, shapeOf, tensor } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { classifierMetadata, randomState, smallClassifier, stateFile } from "./support/randomNetworks.ts";
import { readFileSync } from "node:fs";
import { bytesSource } from "../src/files/bytes.ts";
import { classifyOnce } from "../src/cli/tasks/classify.ts";

const device = await gpuDevice();

describe.each(["attention", "adaptive", "spatial", "spatial-v2"])("golden classifier-%s", (pool) => {
  const weights = goldenUrl(`unet/classifier-${pool}.weights.safetensors`);
  const why = weights ? "" : " (skipped: only in the whole golden set, REPAINT_GOLDEN)";
  it.skipIf(!weights).each(["cpu", "gpu"] as const)(`on the kernels for a %s${why}`, async (kind) => {
    const checkpoint = await openClassifier(bytesSource(pool, readFileSync(weights!)));
    const on = kind === device.kind ? device : new Device(device.gpu, device.info, { kind });
    const classifier = await Classifier.load(on, checkpoint);
    const io = await goldenTensors(`unet/classifier-${pool}.io.safetensors`);
    const [batch, channels, height, width] = shapeOf(io, "x");
    const { logits, grad } = await classifyOnce(on, classifier, {
      shape: { batch, channels, height, width },
      x: await tensor(io, "x"),
      t: [...(await tensor(io, "t"))],
      y: [...(await tensor(io, "y"))],
    });
    classifier.dispose();
    expect(relativeError(logits, await tensor(io, "logits"))).toBeLessThanOrEqual(5e-5);
    expect(relativeError(grad, await tensor(io, "grad"))).toBeLessThanOrEqual(2e-4);
  });
});

const config = smallClassifier;
const state = randomState(config);

function file({
  metadata = classifierMetadata(config),
  change = (tensors: Map<string, { shape: readonly number[]; data: ArrayLike<number> }>): unknown => tensors,
} = {}) {
  const tensors = new Map(state);
  change(tensors);
  return bytesSource("random.safetensors", stateFile(tensors, metadata));
}

describe("a classifier's file", () => {
  it("needs no flags but for heads", async () => {
    const bare = await openClassifier(file({ metadata: {} }), { num_head_channels: 32 });
    expect(bare.config).toEqual({ ...config, numHeads: 4 });
    expect(bare.assumed).toEqual(["use_new_attention_order false"]);
    const scripts = { image_size: 8, classifier_width: 32, classifier_depth: 1, classifier_attention_resolutions: "4" };
    const guided = { ...scripts, num_channels: 256, class_cond: true, num_head_channels: 64 };
    expect((await openClassifier(file({ metadata: {} }), guided)).config).toMatchObject({
      numHeadChannels: 64,
      imageSize: 8,
    });
  });

  it("is told apart from a UNet's, and says everything that is wrong with it", async () => {
    await expect(openCheckpoint(file())).rejects.toThrow(
      /expected a guided-diffusion UNet, but it looks like a guided-diffusion classifier/,
    );
    const unet = bytesSource("unet", readFileSync(goldenUrl("unet/class-cond.weights.safetensors")!));
    await expect(openClassifier(unet)).rejects.toThrow(
      /expected a guided-diffusion classifier, but it looks like a guided-diffusion UNet/,
    );
    const broken = file({
      change: (tensors) => {
        tensors.delete("middle_block.1.norm.bias");
        tensors.set("out.2.c_proj.bias", { shape: [9], data: new Float32Array(9) });
        tensors.set("surplus", { shape: [1], data: new Float32Array(1) });
      },
    });
    await expect(openClassifier(broken)).rejects.toThrow(
      /3 places: missing middle_block\.1\.norm\.bias.*out\.2\.c_proj\.bias: expected \[10\], got \[9\].*unexpected "surplus"/,
    );
    await expect(openClassifier(file(), { pool: "spatial" })).rejects.toThrow(/flag pool "spatial" contradicts/);
    await expect(openClassifier(file(), { num_res_blocks: 2 })).rejects.toThrow(/num_res_blocks 2 contradicts/);
    await expect(openClassifier(file(), { image_size: 16 })).rejects.toThrow(
      /positional_embedding: expected \[64, 65\], got \[64, 17\]/,
    );
    await expect(openClassifier(file(), { classifier_pol: "x" })).rejects.toThrow(
      /"classifier_pol" is not a flag.*classifier_pool/,
    );
    await expect(openClassifier(file(), { pool: "max" })).rejects.toThrow(/pool: expected "attention", "adaptive"/);
  });

  it("of the released ones is known by names and shapes alone", () => {
    for (const { flags, megaparameters } of classifierPresets) {
      const size = flags["image_size"] as number;
      const mult = { 64: [1, 2, 3, 4], 128: [1, 1, 2, 3, 4], 256: [1, 1, 2, 2, 4, 4], 512: [0.5, 1, 1, 2, 2, 4, 4] }[
        size
      ]!;
      const released: ClassifierConfig = {
        ...config,
        imageSize: size,
        modelChannels: 128,
        outChannels: 1000,
        channelMult: mult,
        numResBlocks: flags["classifier_depth"] as number,
        attentionResolutions: [size / 32, size / 16, size / 8],
        numHeads: 4,
        numHeadChannels: 64,
      };
      const shapes = expectedTensors(released);
      const tensors = new Map([...shapes].map(([name, shape]) => [name, { shape }]));
      expect(inferClassifier(tensors)).toEqual(released);
      const count = [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
      expect((count / 1e6).toFixed(1)).toBe(megaparameters.toFixed(1));
    }
  });

  it("that leaves a choice is refused with the choices", () => {
    const even: ClassifierConfig = { ...config, channelMult: [1, 1, 1], attentionResolutions: [], pool: "adaptive" };
    const tensors = new Map([...expectedTensors(even)].map(([name, shape]) => [name, { shape }]));
    expect(() => inferClassifier(tensors)).toThrow(/fit several classifiers.*"num_res_blocks":1.*"num_res_blocks":2/);
    expect(inferClassifier(tensors, { numResBlocks: 1 })).toMatchObject({
      channelMult: [1, 1, 1],
      resblockUpdown: true,
    });
  });
});

describe("Classifier", () => {
  it("gives an image the same bits alone and in a batch, and refuses classes and sizes that it does not know", async () => {
    const before = device.counters.liveBytes;
    const classifier = await Classifier.load(device, await openClassifier(file()));
    const x = Float32Array.from(values(2 * 3 * 64, 5));
    const shape = { channels: 3, height: 8, width: 8 };
    const both = await classifyOnce(device, classifier, { shape: { batch: 2, ...shape }, x, t: [900, 20], y: [3, 8] });
    const second = { shape: { batch: 1, ...shape }, x: x.slice(192), t: [20], y: [8] };
    const alone = await classifyOnce(device, classifier, second);
    expect(alone.logits).toEqual(both.logits.slice(10));
    expect(alone.grad).toEqual(both.grad.slice(192));
    const size = { batch: 1, height: 8, width: 8 };
    await expect(classifier.session(size, [10])).rejects.toThrow(/classes from 0 to 9, got 10/);
    await expect(classifier.session(size, [])).rejects.toThrow(/expected one of each of 1 images, got 0/);
    await expect(classifier.session({ ...size, width: 16 }, [1])).rejects.toThrow(
      /for images of 8×8.*16 positions, and 16×8 pixels make 32/,
    );
    classifier.dispose();
    expect(device.counters.liveBytes).toBe(before);
  });
});
