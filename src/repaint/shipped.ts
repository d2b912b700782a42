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
    sha256: "0d404b6ebc9d37b8d7996e825ad8247266281d4521cd27dd46c51b49a92cd895",
    bytes: 4726556,
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
    sha256: "72eeb2c1994167f0a17d5fa2fec097454b03f548217c655f172416e2cb78c56a",
    bytes: 3482328,
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
