/** A call of the network over a run's images: at once, or by tiles where they are larger than its own. */
import type { EmbeddingTable } from "../unet/embeddingTable.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { UNet, UNetSession } from "../unet/unet.ts";
import type { Tiles } from "./tiles.ts";

/** A session of the network is one. */
export interface NetworkCall {
  /** The images, and what the network makes of them: f32 NHWC, channels padded to multiples of 4. */
  readonly x: GPUBuffer;
  readonly out: GPUBuffer;
  /** Submits one call: image n is embedded by row `rows[n]` of the table. */
  submit(table: EmbeddingTable, rows: readonly number[]): void;
  dispose(): void;
}

/** Whether images of a shape take more than one tile. */
export function needsTiles({ height, width }: ImageShape, tiles: Tiles | undefined): tiles is Tiles {
  return tiles !== undefined && (height !== tiles.side || width !== tiles.side);
}

/** @throws InputError for sizes that the network cannot take, OutOfMemoryError */
export async function networkCall(unet: UNet, shape: ImageShape, tiles: Tiles | undefined): Promise<NetworkCall> {
  if (!needsTiles(shape, tiles)) return unet.session(shape);
  // Apart: runs at the network's size do not download it.
  const { TiledForward } = await import("./tiledForward.ts");
  const forward = await TiledForward.create<UNetSession>({
    device: unet.device,
    shape,
    tile: { height: tiles.side, width: tiles.side },
    tilesAtOnce: tiles.atOnce,
    outChannels: unet.checkpoint.architecture.outChannels,
    session: (size) => unet.session(size),
  });
  return {
    x: forward.x,
    out: forward.out,
    submit: (table, rows) =>
      forward.submit((session, images) =>
        session.submit(
          table,
          images.map((image) => rows[image]!),
        ),
      ),
    dispose: () => forward.dispose(),
  };
}
