/** The released classifiers by name, and errors that recognise them. */
import { expect, it } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { classifierPresets, identifyClassifier } from "../src/checkpoints/released/classifiers.ts";
import { presets } from "../src/checkpoints/released/find.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { bytesSource } from "../src/files/bytes.ts";

const shapes = (...counts: number[]) => new Map(counts.map((count, i) => [`t${i}`, { shape: [count] }]));

it("tells the four apart by their parameters, and nothing else for one", () => {
  for (const preset of classifierPresets)
    expect(identifyClassifier(shapes(preset.megaparameters * 1e6 - 1e6, 1e6))).toBe(preset);
  expect(identifyClassifier(shapes(1000))).toBeUndefined();
});

it("knows every classifier that a network was published with", () => {
  const files = classifierPresets.map(({ file }) => file);
  const used = presets.flatMap(({ guidance }) => guidance?.classifier ?? []);
  expect(used.length).toBeGreaterThan(0);
  for (const file of used) expect(files).toContain(file);
});

it("still calls an unknown classifier one", async () => {
  const tensors = ["time_embed.0.weight", "input_blocks.0.0.weight", "out.2.positional_embedding"];
  const file = writeSafetensors(
    tensors.map((name) => ({ name, shape: [2], dtype: "F32" as const, data: new Float32Array(2) })),
  );
  await expect(openCheckpoint(bytesSource("c", file))).rejects.toThrow(/a guided-diffusion classifier: it has "out\.2/);
});
