/**
 * The released noise-aware classifiers by name, as data: flags, and what an error for a wrong file can say. Their
 * release is guided-diffusion's (releases.ts). Not here: the networks that they guide (unets.ts), and running them
 * (src/unet/classifier.ts).
 */
export interface ClassifierPreset {
  readonly name: string;
  readonly file: string;
  readonly title: string;
  /** In the vocabulary of guided-diffusion's scripts. */
  readonly flags: Readonly<Record<string, string | number | boolean>>;
  /** Of the state dict, in millions to one decimal: what distinguishes the four. */
  readonly megaparameters: number;
  /** 10⁹ multiply-adds of a forward at batch 1. */
  readonly gmac: number;
}

function classifier(size: number, megaparameters: number, gmac: number): ClassifierPreset {
  return {
    name: `classifier${size}`,
    file: `${size}x${size}_classifier.pt`,
    megaparameters,
    gmac,
    title: `ImageNet ${size}×${size}, 1000 classes`,
    flags: {
      image_size: size,
      classifier_width: 128,
      classifier_depth: size === 64 ? 4 : 2,
      classifier_pool: "attention",
      classifier_attention_resolutions: "32,16,8",
      classifier_resblock_updown: true,
      classifier_use_scale_shift_norm: true,
    },
  };
}

export const classifierPresets: readonly ClassifierPreset[] = [
  classifier(64, 65.4, 19),
  classifier(128, 42.6, 21),
  classifier(256, 54.1, 73),
  classifier(512, 54.4, 113),
];

/** The released classifier that has as many parameters as these tensors, if there is one. */
export function identifyClassifier(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): ClassifierPreset | undefined {
  let count = 0;
  for (const { shape } of tensors.values()) count += shape.reduce((product, size) => product * size, 1);
  return classifierPresets.find(({ megaparameters }) => (count / 1e6).toFixed(1) === megaparameters.toFixed(1));
}
