/**
 * A call of a network over images that are larger than its own: overlapping tiles of its size go through it in batches,
 * and its outputs are averaged where tiles overlap (MultiDiffusion, Bar-Tal et al. 2023, arXiv 2302.08113). Everything
 * pointwise goes over the whole images as ever. Results do not depend on how many tiles a batch has. Not here: where
 * tiles stand (tiles.ts).
 */
import type { Device } from "../engine/device.ts";
import { Buffers } from "../engine/buffers.ts";
import { Executor } from "../engine/executor.ts";
import type { ParameterValues } from "../engine/kernel.ts";
import { PlanBuilder, type Plan } from "../engine/plan.ts";
import { padTo4, type Tensor } from "../engine/tensor.ts";
import { gatherTiles } from "../shaders/gatherTiles.ts";
import type { tileLattice } from "../shaders/lib/tileLattice.ts";
import { mergeTiles } from "../shaders/mergeTiles.ts";
import type { ImageShape } from "../unet/layout.ts";
import { tileRow, type TileRow } from "./tiles.ts";

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
  /** Where the whole images lie, the caller's. Default: a buffer of its own. */
  readonly x?: GPUBuffer | undefined;
}

export class TiledForward<S extends TileSession> {
  readonly #session: S;
  readonly #own: Buffers;
  /** f32 [batch, height, width, channels padded to 4] of the whole images. */
  readonly x: GPUBuffer;
  /** f32 [batch, height, width, output channels padded to 4]. */
  readonly out: GPUBuffer;
  readonly #gather: Executor;
  readonly #merge: Executor;
  /** First tile and number of tiles of each batch. */
  readonly #batches: readonly Batch[];
  /** Of one image. */
  readonly #tiles: number;

  private constructor(
    parts: { session: S; own: Buffers; gather: Executor; merge: Executor },
    { x, out }: { x: GPUBuffer; out: GPUBuffer },
    batches: readonly Batch[],
    tiles: number,
  ) {
    this.#session = parts.session;
    this.#own = parts.own;
    this.#gather = parts.gather;
    this.#merge = parts.merge;
    this.x = x;
    this.out = out;
    this.#batches = batches;
    this.#tiles = tiles;
  }

  /** @throws OutOfMemoryError; on failure nothing stays allocated */
  static async create<S extends TileSession>(options: TiledForwardOptions<S>): Promise<TiledForward<S>> {
    const { device, shape, tile } = options;
    const [rows, columns] = [tileRow(shape.height, tile.height), tileRow(shape.width, tile.width)];
    const each = rows.count * columns.count;
    const batches = batchesOf(shape.batch * each, options.tilesAtOnce);
    const tensors = tensorsOf(options, { rows, columns, tilesAtOnce: batches[0]!.tiles });
    const { tileX, tileOut, x: whole, ...others } = tensors;
    const disposables: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(one: T): T => (disposables.push(one), one);
    try {
      const session = keep(await options.session({ ...shape, batch: batches[0]!.tiles, ...tile }));
      const own = keep(await Buffers.create(device, [...Object.values(others), ...(options.x ? [] : [whole])]));
      const x = options.x ?? own.of(whole);
      device.upload(own.of(tensors.rowWeights), 0, rows.weights);
      device.upload(own.of(tensors.columnWeights), 0, columns.weights);
      const buffers = new Map([
        ...own.ranges,
        [whole, { buffer: x }],
        [tileX, { buffer: session.x }],
        [tileOut, { buffer: session.out }],
      ]);
      const lattices = batches.map((batch) => latticeOf(shape, { rows, columns, batch }));
      const gather = keep(await Executor.create(device, planGather(tensors, lattices), buffers));
      const merge = keep(await Executor.create(device, planMerge(tensors, lattices), buffers));
      const ends = { x, out: own.of(tensors.out) };
      return new TiledForward({ session, own, gather, merge }, ends, batches, each);
    } catch (error) {
      for (const one of disposables) one.dispose();
      throw error;
    }
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

interface TiledTensors {
  readonly x: Tensor;
  readonly out: Tensor;
  readonly rowWeights: Tensor;
  readonly columnWeights: Tensor;
  readonly tileX: Tensor;
  readonly tileOut: Tensor;
}

function tensorsOf(
  { shape, tile, outChannels }: Pick<TiledForwardOptions<TileSession>, "shape" | "tile" | "outChannels">,
  { rows, columns, tilesAtOnce }: { rows: TileRow; columns: TileRow; tilesAtOnce: number },
): TiledTensors {
  const external = (name: string, dimensions: readonly number[]): Tensor => {
    return { name, dtype: "f32", shape: dimensions, place: "external" };
  };
  const [inStride, outStride] = [padTo4(shape.channels), padTo4(outChannels)];
  return {
    x: external("x", [shape.batch, shape.height, shape.width, inStride]),
    out: external("out", [shape.batch, shape.height, shape.width, outStride]),
    rowWeights: external("row weights", [rows.count, tile.height]),
    columnWeights: external("column weights", [columns.count, tile.width]),
    tileX: external("tile x", [tilesAtOnce, tile.height, tile.width, inStride]),
    tileOut: external("tile out", [tilesAtOnce, tile.height, tile.width, outStride]),
  };
}

interface Batch {
  readonly firstTile: number;
  readonly tiles: number;
}

type Lattice = ParameterValues<typeof tileLattice> & { readonly images: number };

function latticeOf(
  { batch: images, height, width }: ImageShape,
  { rows, columns, batch }: { rows: TileRow; columns: TileRow; batch: Batch },
): Lattice {
  const tiles = { tileHeight: rows.tile, tileWidth: columns.tile, rows: rows.count, columns: columns.count };
  return { images, height, width, ...tiles, ...batch };
}

const channelsOf = ({ shape }: Tensor): number => shape.at(-1)!;

function planGather({ x, tileX }: TiledTensors, lattices: readonly Lattice[]): Plan {
  const builder = new PlanBuilder();
  builder.dispatch(gatherTiles, {
    tensors: { region: builder.share(x), y: builder.share(tileX) },
    parameters: lattices.map((lattice) => ({ ...lattice, channels: channelsOf(x) })),
    variant: {},
  });
  return builder.finish();
}

function planMerge({ tileOut, rowWeights, columnWeights, out }: TiledTensors, lattices: readonly Lattice[]): Plan {
  const builder = new PlanBuilder();
  builder.dispatch(mergeTiles, {
    tensors: {
      tilesIn: builder.share(tileOut),
      rowWeights: builder.share(rowWeights),
      columnWeights: builder.share(columnWeights),
      y: builder.share(out),
    },
    parameters: lattices.map((lattice) => ({ ...lattice, channels: channelsOf(out) })),
    variant: {},
  });
  return builder.finish();
}

/** As equal as they can be, none larger than `most`; the first is the largest. */
function batchesOf(tiles: number, most: number): Batch[] {
  const each = Math.ceil(tiles / Math.ceil(tiles / most));
  const batches: Batch[] = [];
  for (let firstTile = 0; firstTile < tiles; firstTile += each)
    batches.push({ firstTile, tiles: Math.min(each, tiles - firstTile) });
  return batches;
}
