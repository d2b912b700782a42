/**
 * LPIPS on a device: how different two pictures look, 0 for equal ones. Weights are the user's (`lpipsFile.ts`). The layers'
 * distances come back pixel by pixel and their means are taken here in float64: f32 sums would cost the last digits.
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import { Executor } from "../engine/executor.ts";
import { readFloats } from "../engine/readback.ts";
import { elementCount } from "../engine/tensor.ts";
import { type Picture, toModelRange } from "../pictures/image.ts";
import { Buffers } from "../engine/buffers.ts";
import type { TensorFile } from "../files/safetensors.ts";
import type { PackedWeights } from "../unet/weights.ts";
import { lpipsReader } from "./lpipsFile.ts";
import { declareLpipsWeights, inputScale, inputShift, type LpipsPlan, planLpips } from "./lpipsNetwork.ts";
import { type UploadedWeights, uploadWeights } from "../unet/upload.ts";

interface Session {
  readonly size: { readonly height: number; readonly width: number };
  readonly planned: LpipsPlan;
  readonly executor: Executor;
  readonly own: Buffers;
}

export class Lpips {
  readonly #device: Device;
  readonly #weights: PackedWeights;
  readonly #uploaded: UploadedWeights;
  /** Of the size that was asked for last. */
  #session: Session | undefined;

  private constructor(device: Device, weights: PackedWeights, uploaded: UploadedWeights) {
    this.#device = device;
    this.#weights = weights;
    this.#uploaded = uploaded;
  }

  /** @throws CheckpointError where the files together are not LPIPS over AlexNet; OutOfMemoryError */
  static async load(device: Device, files: readonly TensorFile[]): Promise<Lpips> {
    const weights = declareLpipsWeights();
    return new Lpips(device, weights, await uploadWeights(device, weights, lpipsReader(files)));
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
    const { planned, executor, own } = await this.#sessionFor(height, width);
    const device = this.#device;
    device.upload(own.of(planned.x), 0, networkInput([a, b], height * width));
    executor.submit();
    let total = 0;
    for (const tensor of planned.distances) {
      const pixels = elementCount(tensor.shape);
      const distances = await readFloats(device, own.of(tensor), pixels);
      total += distances.reduce((sum, value) => sum + value, 0) / pixels;
    }
    return total;
  }

  async #sessionFor(height: number, width: number): Promise<Session> {
    const last = this.#session;
    if (last && last.size.height === height && last.size.width === width) return last;
    this.#endSession();
    const device = this.#device;
    const largestBinding = device.limits.maxStorageBufferBindingSize;
    const planned = planLpips(this.#weights, { height, width, largestBinding });
    const own = await Buffers.create(device, [planned.x, ...planned.distances]);
    try {
      const externals = new Map([...this.#uploaded.ranges, ...own.ranges]);
      const executor = await Executor.create(device, planned.plan, externals);
      return (this.#session = { size: { height, width }, planned, executor, own });
    } catch (error) {
      own.dispose();
      throw error;
    }
  }

  #endSession(): void {
    this.#session?.executor.dispose();
    this.#session?.own.dispose();
    this.#session = undefined;
  }

  dispose(): void {
    this.#endSession();
    this.#uploaded.dispose();
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
