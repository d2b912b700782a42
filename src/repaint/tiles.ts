/**
 * Tiles of the network's size over a region that is larger: where they stand, with what weights they are averaged where
 * they overlap (MultiDiffusion, Bar-Tal et al. 2023), and which of them a run has a use for. Not here: cutting out and
 * merging (shaders/gatherTiles.ts, mergeTiles.ts).
 */

/** How a run over images larger than the network's goes through it. */
export interface Tiles {
  /** Pixels of a tile: the network's own size. */
  readonly side: number;
  /** Tiles that go through the network at a time, at most: they take memory, and change no result. */
  readonly atOnce: number;
}

interface Extent {
  readonly height: number;
  readonly width: number;
}

/**
 * Of a tile's side: as much at least is shared by neighbours. With the weights below every pixel is mostly the answer
 * of a tile in which it lies a fifth of the side or more from the border. Gaussian fields (bench/NOTES.md) have less
 * bias than with halves and sin², for two thirds of the tiles.
 */
const overlap = 3 / 8;

/** First pixels of tiles along a side: as few as cover it, spread evenly; the first and the last touch its ends. */
export function tileOrigins(side: number, tile: number): number[] {
  const count = side === tile ? 1 : 1 + Math.ceil((side - tile) / Math.floor(tile * (1 - overlap)));
  return Array.from({ length: count }, (_, i) => Math.floor((i * (side - tile)) / Math.max(count - 1, 1)));
}

/**
 * What a tile's pixels count along one side where tiles overlap, before they are made to add up to 1: sin⁴ of the way
 * through it, smooth and nowhere 0. The mean of two answers varies less than either of them, and the one that comes
 * from near a border is the worse, so that a narrow transition is closer to the field than a wide one.
 */
export function tileWeights(tile: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: tile }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / tile) ** 4);
}

/**
 * The tiles in which anything is to be filled, by their place on the lattice of all images, in order; all of them where
 * that are none, or nothing is known. Elsewhere both samplers draw the state from the known picture.
 * @param keep [batch, height, width], 1 = known
 */
export function tilesToFill(
  { batch, height, width }: Extent & { readonly batch: number },
  tile: Extent,
  keep: ArrayLike<number> | undefined,
): number[] {
  const [rows, columns] = [tileOrigins(height, tile.height), tileOrigins(width, tile.width)];
  const all = Array.from({ length: batch * rows.length * columns.length }, (_, i) => i);
  if (!keep) return all;
  const isToFill = (index: number): boolean => {
    const line = Math.floor(index / columns.length);
    const left = columns[index % columns.length]!;
    const top = Math.floor(line / rows.length) * height + rows[line % rows.length]!;
    for (let y = top; y < top + tile.height; y++)
      for (let x = left; x < left + tile.width; x++) if (keep[y * width + x]! < 1) return true;
    return false;
  };
  const chosen = all.filter(isToFill);
  return chosen.length > 0 ? chosen : all;
}

/** First tile and number of tiles of each batch: as equal as they can be, none above `most`, the first the largest. */
export function tileBatches(tiles: number, most: number): { readonly firstTile: number; readonly tiles: number }[] {
  const each = Math.ceil(tiles / Math.ceil(tiles / most));
  return Array.from({ length: Math.ceil(tiles / each) }, (_, i) => {
    return { firstTile: i * each, tiles: Math.min(each, tiles - i * each) };
  });
}
