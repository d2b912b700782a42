/**
 * Tiles of the network's size over a region that is larger: how many stand down and across, and with what weights they
 * are averaged where they overlap (MultiDiffusion, Bar-Tal et al. 2023). Not here: cutting out and merging
 * (shaders/gatherTiles.ts, mergeTiles.ts).
 */

/** How a run over images larger than the network's goes through it. */
export interface Tiles {
  /** Pixels of a tile: the network's own size. */
  readonly side: number;
  /** Tiles that go through the network at a time, at most: they take memory, and change no result. */
  readonly atOnce: number;
}

/** Along one side of a region. */
export interface TileRow {
  /** Pixels of the region, and of a tile. */
  readonly side: number;
  readonly tile: number;
  readonly count: number;
  /** First pixel of each tile. */
  readonly origins: readonly number[];
  /** [count, tile]: over all tiles that cover a pixel they add up to 1. */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** Of a tile's side: as much at least is shared by neighbours. Half of it: every pixel is well inside of some tile. */
const overlap = 1 / 2;

/** As few tiles as cover the side with the overlap, spread evenly: the first and the last touch the region's edges. */
export function tileRow(side: number, tile: number): TileRow {
  const count = side === tile ? 1 : 1 + Math.ceil((side - tile) / Math.floor(tile * (1 - overlap)));
  const origins = Array.from({ length: count }, (_, i) => Math.floor((i * (side - tile)) / Math.max(count - 1, 1)));
  // A smooth hill, nowhere 0: sin² of the way through the tile.
  const hill = Array.from({ length: tile }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / tile) ** 2);
  const sums = new Float64Array(side);
  for (const origin of origins) for (let i = 0; i < tile; i++) sums[origin + i]! += hill[i]!;
  const weights = origins.flatMap((origin) => hill.map((weight, i) => weight / sums[origin + i]!));
  return { side, tile, count, origins, weights: Float32Array.from(weights) };
}
