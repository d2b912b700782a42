/** A call of the network over a run's images: at once, or by tiles where they are larger than its own. */
import type { EmbeddingTable } from "../unet/embeddingTable.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { UNet, UNetSession } from "../unet/unet.ts";
import type { Tiles } from "./tiles.ts";

export interface NetworkCall {
  /** The images, and what the network makes of them: f32 NHWC, channels padded to multiples of 4. */
  readonly x: GPUBuffer;
  readonly out: GPUBuffer;
  /** Of the network in one of this: by tiles there may be several. */
  readonly calls: number;
  /** Submits the `index`-th of them, in order: image n is embedded by row `rows[n]` of the table. */
  submit(table: EmbeddingTable, rows: readonly number[], index: number): void;
  dispose(): void;
}

/** Whether images of a shape take more than one tile. */
export function needsTiles({ height, width }: ImageShape, tiles: Tiles | undefined): tiles is Tiles {
  return tiles !== undefined && (height !== tiles.side || width !== tiles.side);
}

/** How images that are larger than the network's go through it, and what of them is known: [batch, height, width]. */
export interface Tiling {
  readonly tiles: Tiles | undefined;
  readonly keep: ArrayLike<number> | undefined;
}

/** @throws InputError for sizes that the network cannot take, OutOfMemoryError */
export async function networkCall(unet: UNet, shape: ImageShape, { tiles, keep }: Tiling): Promise<NetworkCall> {
  if (!needsTiles(shape, tiles)) {
    const session = await unet.session(shape);
    const submit: NetworkCall["submit"] = (table, rows) => session.submit(table, rows);
    return { x: session.x, out: session.out, calls: 1, submit, dispose: () => session.dispose() };
  }
  // Apart: runs at the network's size do not download it.
  const { TiledForward } = await import("./tiledForward.ts");
  const forward = await TiledForward.create<UNetSession>({
    device: unet.device,
    shape,
    tile: { height: tiles.side, width: tiles.side },
    tilesAtOnce: tiles.atOnce,
    keep,
    outChannels: unet.checkpoint.architecture.outChannels,
    session: (size) => unet.session(size),
  });
  return {
    x: forward.x,
    out: forward.out,
    calls: forward.calls,
    submit: (table, rows, index) =>
      forward.submit(index, (session, images) =>
        session.submit(
          table,
          images.map((image) => rows[image]!),
        ),
      ),
    dispose: () => forward.dispose(),
  };
}
