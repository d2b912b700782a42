/**
 * A call of a network over images that are larger than its own: overlapping tiles of its size go through it in batches,
 * and its outputs are averaged where tiles overlap (MultiDiffusion, Bar-Tal et al. 2023, arXiv 2302.08113). Everything
 * pointwise goes over the whole images as ever. Results do not depend on how many tiles a batch has. Not here: where
 * tiles stand, and which of them are needed (tiles.ts).
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
import { tileBatches, tileOrigins, tilesToFill, tileWeights } from "./tiles.ts";

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
  /** [batch, height, width], 1 = known: tiles of which all is known are left out. */
  readonly keep?: ArrayLike<number> | undefined;
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
  /** f32 [batch, height, width, output channels padded to 4]; 0 where no tile is computed. */
  readonly out: GPUBuffer;
  readonly #gather: Executor;
  readonly #merge: Executor;
  /** Of each call: which images the tiles of its session are of. */
  readonly #images: readonly (readonly number[])[];

  private constructor(
    parts: { session: S; own: Buffers; gather: Executor; merge: Executor },
    { x, out }: { x: GPUBuffer; out: GPUBuffer },
    images: readonly (readonly number[])[],
  ) {
    this.#session = parts.session;
    this.#own = parts.own;
    this.#gather = parts.gather;
    this.#merge = parts.merge;
    this.x = x;
    this.out = out;
    this.#images = images;
  }

  /** @throws OutOfMemoryError; on failure nothing stays allocated */
  static async create<S extends TileSession>(options: TiledForwardOptions<S>): Promise<TiledForward<S>> {
    const { device, shape, tile } = options;
    const lattice = latticeOf(options);
    const { order, batches } = lattice;
    const tensors = tensorsOf(options, lattice);
    const { tileX, tileOut, x: whole, ...others } = tensors;
    const disposables: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(one: T): T => (disposables.push(one), one);
    try {
      const each = batches[0]!.tiles;
      const session = keep(await options.session({ ...shape, batch: each, ...tile }));
      const own = keep(await Buffers.create(device, [...Object.values(others), ...(options.x ? [] : [whole])]));
      const x = options.x ?? own.of(whole);
      device.upload(own.of(tensors.order), 0, order);
      device.upload(own.of(tensors.places), 0, lattice.places);
      device.upload(own.of(tensors.rowWeights), 0, tileWeights(tile.height));
      device.upload(own.of(tensors.columnWeights), 0, tileWeights(tile.width));
      const buffers = new Map([
        ...own.ranges,
        [whole, { buffer: x }],
        [tileX, { buffer: session.x }],
        [tileOut, { buffer: session.out }],
      ]);
      const gather = keep(await Executor.create(device, planGather(tensors, lattice), buffers));
      const merge = keep(await Executor.create(device, planMerge(tensors, lattice), buffers));
      // Of the last batch, images beyond its tiles hold what was there before: they are computed and not merged.
      const images = batches.map(({ firstTile }) =>
        Array.from({ length: each }, (_, i) => lattice.imageOf(Math.min(firstTile + i, order.length - 1))),
      );
      return new TiledForward({ session, own, gather, merge }, { x, out: own.of(tensors.out) }, images);
    } catch (error) {
      for (const one of disposables) one.dispose();
      throw error;
    }
  }

  /** Calls of the session in one of this. */
  get calls(): number {
    return this.#images.length;
  }

  /** Submits the `index`-th of its calls, which go in order; `run` submits the session for tiles of these images. */
  submit(index: number, run: (session: S, images: readonly number[]) => void): void {
    this.#gather.submit({ row: index });
    run(this.#session, this.#images[index]!);
    this.#merge.submit({ row: index });
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
  readonly order: Tensor;
  readonly places: Tensor;
  readonly rowWeights: Tensor;
  readonly columnWeights: Tensor;
  readonly tileX: Tensor;
  readonly tileOut: Tensor;
}

function tensorsOf(
  { shape, tile, outChannels }: Pick<TiledForwardOptions<TileSession>, "shape" | "tile" | "outChannels">,
  { order, places, batches }: Lattice,
): TiledTensors {
  const external = (name: string, dimensions: readonly number[], dtype: "f32" | "u32" = "f32"): Tensor => {
    return { name, dtype, shape: dimensions, place: "external" };
  };
  const [inStride, outStride] = [padTo4(shape.channels), padTo4(outChannels)];
  const tilesAtOnce = batches[0]!.tiles;
  return {
    x: external("x", [shape.batch, shape.height, shape.width, inStride]),
    out: external("out", [shape.batch, shape.height, shape.width, outStride]),
    order: external("order of tiles", [order.length], "u32"),
    places: external("places of tiles", [places.length], "u32"),
    rowWeights: external("row weights", [tile.height]),
    columnWeights: external("column weights", [tile.width]),
    tileX: external("tile x", [tilesAtOnce, tile.height, tile.width, inStride]),
    tileOut: external("tile out", [tilesAtOnce, tile.height, tile.width, outStride]),
  };
}

/** The tiles that are computed, and how they go through the network. */
interface Lattice {
  readonly order: Uint32Array<ArrayBuffer>;
  readonly places: Uint32Array<ArrayBuffer>;
  readonly imageOf: (place: number) => number;
  readonly batches: readonly { readonly firstTile: number; readonly tiles: number }[];
  /** Of each batch. */
  readonly parameters: readonly ParameterValues<typeof tileLattice>[];
  /** The lines of pixels of each batch's tiles, through all images. */
  readonly lines: readonly { readonly firstLine: number; readonly lines: number }[];
}

function latticeOf({ shape, tile, tilesAtOnce, keep }: TiledForwardOptions<TileSession>): Lattice {
  const { batch: images, height, width } = shape;
  const [tops, { length: columns }] = [tileOrigins(height, tile.height), tileOrigins(width, tile.width)];
  const rows = tops.length;
  const order = Uint32Array.from(tilesToFill(shape, tile, keep));
  const places = new Uint32Array(images * rows * columns);
  for (const [place, index] of order.entries()) places[index] = place + 1;
  const batches = tileBatches(order.length, tilesAtOnce);
  const topOf = (place: number): number => {
    const row = Math.floor(order[place]! / columns);
    return Math.floor(row / rows) * height + tops[row % rows]!;
  };
  return {
    order,
    places,
    imageOf: (place) => Math.floor(order[place]! / columns / rows),
    batches,
    parameters: batches.map((batch) => {
      return { height, width, tileHeight: tile.height, tileWidth: tile.width, rows, columns, ...batch };
    }),
    lines: batches.map(({ firstTile, tiles }) => {
      const firstLine = topOf(firstTile);
      return { firstLine, lines: topOf(firstTile + tiles - 1) + tile.height - firstLine };
    }),
  };
}

const channelsOf = ({ shape }: Tensor): number => shape.at(-1)!;

function planGather({ x, order, tileX }: TiledTensors, { parameters }: Lattice): Plan {
  const builder = new PlanBuilder();
  builder.dispatch(gatherTiles, {
    tensors: { region: builder.share(x), order: builder.share(order), y: builder.share(tileX) },
    parameters: parameters.map((lattice) => ({ ...lattice, channels: channelsOf(x) })),
    variant: {},
  });
  return builder.finish();
}

function planMerge(tensors: TiledTensors, { parameters, lines }: Lattice): Plan {
  const builder = new PlanBuilder();
  const { tileOut, places, rowWeights, columnWeights, out } = tensors;
  builder.dispatch(mergeTiles, {
    tensors: {
      tilesIn: builder.share(tileOut),
      places: builder.share(places),
      rowWeights: builder.share(rowWeights),
      columnWeights: builder.share(columnWeights),
      y: builder.share(out),
    },
    parameters: parameters.map((lattice, batch) => ({ ...lattice, ...lines[batch]!, channels: channelsOf(out) })),
    variant: {},
  });
  return builder.finish();
}
