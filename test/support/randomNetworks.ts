/** Networks of random weights, for flags that no golden file covers. */
import { expectedTensors } from "../../src/checkpoints/layers.ts";
import type { UNetConfig } from "../../src/checkpoints/config.ts";
import type { StateDict } from "../twins/wholeNetwork.ts";
import { values } from "./random.ts";

export function randomState(config: UNetConfig): StateDict {
  return new Map(
    [...expectedTensors(config)].map(([name, shape], index) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const [mean, deviation] =
        shape.length > 1 ? [0, Math.sqrt(1 / (length / shape[0]!))] : [name.endsWith("weight") ? 1 : 0, 0.2];
      return [name, { shape, data: Float32Array.from(values(length, 100 + index, { mean, deviation })) }];
    }),
  );
}

/** Image n of an NCHW batch as planes. */
export function image(data: Float64Array, n: number, channels: number, height: number, width: number) {
  const size = height * width;
  const planes = Array.from({ length: channels }, (_, c) =>
    data.slice((n * channels + c) * size, (n * channels + c + 1) * size),
  );
  return { planes, height, width };
}

/** A configuration in the constructor's vocabulary. */
export function constructorFlags(config: UNetConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
