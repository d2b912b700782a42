/** What LPIPS has beside convolutions. */
import type { featureDistance } from "../../src/shaders/featureDistance.ts";
import type { maxPool } from "../../src/shaders/maxPool.ts";
import type { TwinOf } from "./twin.ts";

export const maxPoolTwin: TwinOf<typeof maxPool> = ({ tensors: { x }, parameters: p }) => {
  const y = new Float64Array(p.batch * p.outHeight * p.outWidth * p.channels);
  let at = 0;
  for (let n = 0; n < p.batch; n++)
    for (let oy = 0; oy < p.outHeight; oy++)
      for (let ox = 0; ox < p.outWidth; ox++)
        for (let c = 0; c < p.channels; c++) {
          let largest = -Infinity;
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const pixel = (n * p.height + 2 * oy + ky) * p.width + 2 * ox + kx;
              largest = Math.max(largest, x[pixel * p.channels + c]!);
            }
          y[at++] = largest;
        }
  return { y };
};

export const featureDistanceTwin: TwinOf<typeof featureDistance> = ({ tensors: { x, weight }, parameters: p }) => {
  const unit = (pixel: number): Float64Array => {
    const own = x.subarray(pixel * p.channels, (pixel + 1) * p.channels);
    const norm = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    return own.map((value) => value / (norm + 1e-10));
  };
  const y = new Float64Array(p.pixels);
  for (let i = 0; i < p.pixels; i++) {
    const [a, b] = [unit(i), unit(p.pixels + i)];
    y[i] = a.reduce((sum, value, c) => sum + weight[c]! * (value - b[c]!) ** 2, 0);
  }
  return { y };
};
