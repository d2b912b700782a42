/**
 * A call of a network over images that are larger than its own: overlapping tiles of its size go through it in batches, and its
 * outputs are averaged where tiles overlap (MultiDiffusion, Bar-Tal et al. 2023, arXiv 2302.08113). Everything pointwise goes
 * over the whole images as ever. Results do not depend on how many tiles a batch has. Not here: where tiles stand (tiles.ts).
 */
import type { Device } from "../engine/device.ts";
import { Buffers } from "../engine/buffers.ts";
import { Executor } from "../engine/executor.ts";
import { PlanBuilder } from "../engine/plan.ts";
import { padTo4, type Tensor } from "../engine/tensor.ts";
import { gatherTiles } from "../shaders/gatherTiles.ts";
import { mergeTiles } from "../shaders/mergeTiles.ts";
import type { ImageShape } from "../unet/layout.ts";
import { tileRow } from "./tiles.ts";

/** What a tile goes through: a session of the network, or of a classifier's gradient. */
export interface TileSession {
  readonly x: GPUBuffer;
  readonly out: GPUBuffer;
  dispose(): void;
}

export interface TiledForwardOptions<S extends TileSession> {
  readonly device: Device;
  /** Of the whole images. */
  readonly shape: ImageShape;
  readonly tile: { readonly height: number; readonly width: number };
  /** Tiles that go through the network at a time, at most. */
  readonly tilesAtOnce: number;
  /** Channels of the session's output. */
  readonly outChannels: number;
  /** A session for a batch of tiles. */
  readonly session: (shape: ImageShape) => Promise<S>;
}

export class TiledForward<S extends TileSession> {
  readonly #session: S;
  readonly #own: Buffers;
  readonly #tensors: { readonly x: Tensor; readonly out: Tensor };
  readonly #gather: Executor;
  readonly #merge: Executor;
  /** First tile and number of tiles of each batch. */
  readonly #batches: readonly { readonly firstTile: number; readonly tiles: number }[];
  /** Of one image. */
  readonly #tiles: number;

  private constructor(
    parts: { session: S; own: Buffers; gather: Executor; merge: Executor },
    tensors: { x: Tensor; out: Tensor },
    batches: readonly { firstTile: number; tiles: number }[],
    tiles: number,
  ) {
    this.#session = parts.session;
    this.#own = parts.own;
    this.#gather = parts.gather;
    this.#merge = parts.merge;
    this.#tensors = tensors;
    this.#batches = batches;
    this.#tiles = tiles;
  }

  /** @throws OutOfMemoryError; on failure nothing stays allocated */
  static async create<S extends TileSession>(options: TiledForwardOptions<S>): Promise<TiledForward<S>> {
    const { device, shape, tile, outChannels } = options;
    const [rows, columns] = [tileRow(shape.height, tile.height), tileRow(shape.width, tile.width)];
    const tiles = rows.count * columns.count;
    const batches = batchesOf(shape.batch * tiles, options.tilesAtOnce);
    const tilesAtOnce = batches[0]!.tiles;
    const [inStride, outStride] = [padTo4(shape.channels), padTo4(outChannels)];
    const lattice = {
      height: shape.height,
      width: shape.width,
      tileHeight: tile.height,
      tileWidth: tile.width,
      rows: rows.count,
      columns: columns.count,
    };
    const external = (name: string, dimensions: readonly number[]): Tensor => ({
      name,
      dtype: "f32",
      shape: dimensions,
      place: "external",
    });
    const tensors = {
      x: external("x", [shape.batch, shape.height, shape.width, inStride]),
      out: external("out", [shape.batch, shape.height, shape.width, outStride]),
      rowWeights: external("row weights", [rows.count, tile.height]),
      columnWeights: external("column weights", [columns.count, tile.width]),
    };
    const tileX = external("tile x", [tilesAtOnce, tile.height, tile.width, inStride]);
    const tileOut = external("tile out", [tilesAtOnce, tile.height, tile.width, outStride]);
    const disposables: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(one: T): T => (disposables.push(one), one);
    try {
      const session = keep(await options.session({ ...shape, batch: tilesAtOnce, ...tile }));
      const own = keep(await Buffers.create(device, Object.values(tensors)));
      device.upload(own.of(tensors.rowWeights), 0, rows.weights);
      device.upload(own.of(tensors.columnWeights), 0, columns.weights);
      const buffers = new Map([...own.ranges, [tileX, { buffer: session.x }], [tileOut, { buffer: session.out }]]);
      const gathering = new PlanBuilder();
      gathering.dispatch(gatherTiles, {
        tensors: { region: gathering.share(tensors.x), y: gathering.share(tileX) },
        parameters: batches.map((batch) => ({ ...lattice, ...batch, channels: inStride })),
        variant: {},
      });
      const gather = keep(await Executor.create(device, gathering.finish(), buffers));
      const merging = new PlanBuilder();
      merging.dispatch(mergeTiles, {
        tensors: {
          tilesIn: merging.share(tileOut),
          rowWeights: merging.share(tensors.rowWeights),
          columnWeights: merging.share(tensors.columnWeights),
          y: merging.share(tensors.out),
        },
        parameters: batches.map((batch) => ({ ...lattice, ...batch, images: shape.batch, channels: outStride })),
        variant: {},
      });
      const merge = keep(await Executor.create(device, merging.finish(), buffers));
      return new TiledForward({ session, own, gather, merge }, tensors, batches, tiles);
    } catch (error) {
      for (const one of disposables) one.dispose();
      throw error;
    }
  }

  /** f32 [batch, height, width, channels padded to 4] of the whole images. */
  get x(): GPUBuffer {
    return this.#own.of(this.#tensors.x);
  }

  /** f32 [batch, height, width, output channels padded to 4]. */
  get out(): GPUBuffer {
    return this.#own.of(this.#tensors.out);
  }

  /** Of the network, for all images: one call of it for each batch of tiles. */
  get callsAtOnce(): number {
    return this.#batches.length;
  }

  /** Submits a call: `run` submits the session for tiles of the given images. */
  submit(run: (session: S, images: readonly number[]) => void): void {
    const [first] = this.#batches;
    for (const [row, { firstTile }] of this.#batches.entries()) {
      this.#gather.submit({ row });
      // Of the last batch, images beyond its tiles hold what was there before: they are computed and not merged.
      const last = this.#batches.at(-1)!;
      const all = last.firstTile + last.tiles - 1;
      const images = Array.from({ length: first!.tiles }, (_, i) =>
        Math.floor(Math.min(firstTile + i, all) / this.#tiles),
      );
      run(this.#session, images);
      this.#merge.submit({ row });
    }
  }

  dispose(): void {
    this.#gather.dispose();
    this.#merge.dispose();
    this.#own.dispose();
    this.#session.dispose();
  }
}

/** As equal as they can be, none larger than `most`; the first is the largest. */
function batchesOf(tiles: number, most: number): { firstTile: number; tiles: number }[] {
  const each = Math.ceil(tiles / Math.ceil(tiles / most));
  const batches: { firstTile: number; tiles: number }[] = [];
  for (let firstTile = 0; firstTile < tiles; firstTile += each)
    batches.push({ firstTile, tiles: Math.min(each, tiles - firstTile) });
  return batches;
}
