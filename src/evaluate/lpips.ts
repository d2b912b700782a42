/**
 * LPIPS on a device: how different two pictures look, 0 for equal ones. Weights are the user's (`lpipsFile.ts`). The
 * layers' distances come back pixel by pixel and their means are taken here in float64: f32 sums would cost the last
 * digits.
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import { readFloats } from "../engine/readback.ts";
import { elementCount } from "../engine/tensor.ts";
import { type Picture, toModelRange } from "../pictures/image.ts";
import { lpipsReader } from "./lpipsFile.ts";
import { declareLpipsWeights, inputScale, inputShift, type LpipsPlan, planLpips } from "./lpipsNetwork.ts";
import { LoadedNetwork, type PlanSession } from "../unet/loadedNetwork.ts";
import type { TensorFile } from "../files/tensorFile.ts";

interface SizedSession {
  readonly size: { readonly height: number; readonly width: number };
  readonly planned: LpipsPlan;
  readonly session: PlanSession;
}

export class Lpips {
  readonly #loaded: LoadedNetwork;
  /** For pictures of the size that was asked for last. */
  #last: SizedSession | undefined;

  private constructor(loaded: LoadedNetwork) {
    this.#loaded = loaded;
  }

  /** @throws CheckpointError where the files together are not LPIPS over AlexNet; OutOfMemoryError */
  static async load(device: Device, files: readonly TensorFile[]): Promise<Lpips> {
    return new Lpips(await LoadedNetwork.load(device, declareLpipsWeights(), lpipsReader(files)));
  }

  /** Of two opaque pictures of one size. @throws InputError for sizes that differ or are below 31×31 */
  async ofPictures(a: Picture, b: Picture): Promise<number> {
    if (a.width !== b.width || a.height !== b.height)
      throw new InputError(
        `LPIPS: expected two pictures of one size, got ${a.width}x${a.height} and ${b.width}x${b.height}`,
      );
    return this.distance(toModelRange(a), toModelRange(b), a);
  }

  /** Of two images [3, height, width] (channels first) with values in [−1, 1]. */
  async distance(a: Float32Array, b: Float32Array, size: { height: number; width: number }): Promise<number> {
    const { height, width } = size;
    if (a.length !== 3 * height * width || b.length !== a.length)
      throw new InputError(
        `LPIPS: expected two images of [3, ${height}, ${width}], got ${a.length} and ${b.length} values`,
      );
    const { planned, session } = await this.#sessionFor(height, width);
    const { device } = this.#loaded;
    device.upload(session.buffer(planned.x), 0, networkInput([a, b], height * width));
    session.executor.submit();
    let total = 0;
    for (const tensor of planned.distances) {
      const pixels = elementCount(tensor.shape);
      const distances = await readFloats(device, session.buffer(tensor), pixels);
      total += distances.reduce((sum, value) => sum + value, 0) / pixels;
    }
    return total;
  }

  async #sessionFor(height: number, width: number): Promise<SizedSession> {
    const last = this.#last;
    if (last && last.size.height === height && last.size.width === width) return last;
    this.#endSession();
    const { weights, device } = this.#loaded;
    const largestBinding = device.limits.maxStorageBufferBindingSize;
    const planned = planLpips(weights, { height, width, largestBinding });
    const session = await this.#loaded.session(planned.plan, [planned.x, ...planned.distances]);
    return (this.#last = { size: { height, width }, planned, session });
  }

  #endSession(): void {
    this.#last?.session.dispose();
    this.#last = undefined;
  }

  dispose(): void {
    this.#endSession();
    this.#loaded.dispose();
  }
}

/** Images [3, pixels] to NHWC with four channels, shifted and scaled; the fourth stays 0. */
function networkInput(images: readonly Float32Array[], pixels: number): Float32Array {
  const x = new Float32Array(images.length * pixels * 4);
  for (const [n, image] of images.entries())
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < pixels; i++)
        x[(n * pixels + i) * 4 + c] = (image[c * pixels + i]! - inputShift[c]!) / inputScale[c]!;
  return x;
}
