/**
 * The models that come with the package, by name. Their addresses are written so that bundlers take the files along.
 */
import { InputError } from "../errors.ts";

export interface ShippedModel {
  readonly title: string;
  /** @throws InputError as `knowsItsAddress` */
  readonly url: string;
  readonly sha256: string;
  readonly bytes: number;
}

export const shippedModels: Readonly<Record<string, ShippedModel>> = {
  portraits64: {
    title: "portraits64",
    get url() {
      knowsItsAddress("the shipped model");
      return new URL("../../weights/portraits64.safetensors", import.meta.url).href;
    },
    sha256: "e0361e584c024cd19fc063a39228b0a77a041146ba7d175d35c3d6b6ae054996",
    bytes: 2432460,
  },
  scenes64: {
    title: "scenes64",
    get url() {
      knowsItsAddress("the shipped model");
      return new URL("../../weights/scenes64.safetensors", import.meta.url).href;
    },
    sha256: "9375609ef2636d95e0de9bb1e68ab0caa5bceed15baef45e407e60cbae1b80b5",
    bytes: 3081148,
  },
};

/** Noise-aware classifiers, which guide runs of a model. */
export const shippedClassifiers: Readonly<Record<string, ShippedModel>> = {
  classifier64: {
    title: "classifier64",
    get url() {
      knowsItsAddress("the shipped classifier");
      return new URL("../../weights/classifier64.safetensors", import.meta.url).href;
    },
    sha256: "644537f6478839c526ffe7bfe7ca07a4b7f1b45e5904bfefc0888eccc85ae15b",
    bytes: 1780040,
  },
};

/** A model or a classifier; undefined: none of that name is shipped. */
export function findShipped(name: string): ShippedModel | undefined {
  const all = [shippedModels, shippedClassifiers].find((some) => Object.hasOwn(some, name));
  return all?.[name];
}

/** @throws InputError in a bundle that is no ES module, which is not told where it came from */
export function knowsItsAddress(what: string): void {
  if (!import.meta.url)
    throw new InputError(
      `${what} cannot be found from a script that is no ES module: bundle to ES modules, or give the addresses ` +
        "(the element's `worker` and `model`)",
    );
}
