/** Tiles cut out of pictures, and put together again. */
import type { gatherTiles } from "../../src/shaders/gatherTiles.ts";
import type { mergeTiles } from "../../src/shaders/mergeTiles.ts";
import type { TwinOf } from "./twin.ts";

/** Tiles of one size on a lattice whose first and last ones touch the pictures' edges. */
export interface Lattice {
  readonly height: number;
  readonly width: number;
  readonly tileHeight: number;
  readonly tileWidth: number;
  readonly rows: number;
  readonly columns: number;
}

/** Upper left pixel, and the picture and cell that a tile belongs to. */
function placeOf(p: Lattice, tile: number) {
  const cell = tile % (p.rows * p.columns);
  const [row, column] = [Math.floor(cell / p.columns), cell % p.columns];
  const along = (index: number, count: number, room: number) => Math.floor((index * room) / Math.max(count - 1, 1));
  const y = along(row, p.rows, p.height - p.tileHeight);
  const x = along(column, p.columns, p.width - p.tileWidth);
  return { image: Math.floor(tile / (p.rows * p.columns)), row, column, y, x };
}

export const gatherTilesTwin: TwinOf<typeof gatherTiles> = ({ tensors: { region }, parameters: p }) => {
  const y = new Float64Array(p.tiles * p.tileHeight * p.tileWidth * p.channels);
  let at = 0;
  for (let tile = p.firstTile; tile < p.firstTile + p.tiles; tile++) {
    const { image, y: top, x: left } = placeOf(p, tile);
    for (let dy = 0; dy < p.tileHeight; dy++)
      for (let dx = 0; dx < p.tileWidth; dx++)
        for (let c = 0; c < p.channels; c++)
          y[at++] = region[((image * p.height + top + dy) * p.width + left + dx) * p.channels + c]!;
  }
  return { y };
};

export const mergeTilesTwin: TwinOf<typeof mergeTiles> = ({ tensors, parameters: p }) => {
  const { tilesIn, rowWeights, columnWeights } = tensors;
  const y = Float64Array.from(tensors.y);
  const begun = new Set<number>();
  for (let tile = p.firstTile; tile < p.firstTile + p.tiles; tile++) {
    const { image, row, column, y: top, x: left } = placeOf(p, tile);
    const size = p.height * p.width * p.channels;
    if (!begun.has(image) && tile % (p.rows * p.columns) === 0) y.fill(0, image * size, (image + 1) * size);
    begun.add(image);
    for (let dy = 0; dy < p.tileHeight; dy++)
      for (let dx = 0; dx < p.tileWidth; dx++)
        for (let c = 0; c < p.channels; c++) {
          const weight = rowWeights[row * p.tileHeight + dy]! * columnWeights[column * p.tileWidth + dx]!;
          const from = (((tile - p.firstTile) * p.tileHeight + dy) * p.tileWidth + dx) * p.channels + c;
          y[((image * p.height + top + dy) * p.width + left + dx) * p.channels + c]! += weight * tilesIn[from]!;
        }
  }
  return { y };
};
