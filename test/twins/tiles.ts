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

/** Upper left pixel of a tile, the line numbered through all pictures. */
function placeOf(p: Lattice, tile: number) {
  const line = Math.floor(tile / p.columns);
  const along = (index: number, count: number, room: number) => Math.floor((index * room) / Math.max(count - 1, 1));
  const image = Math.floor(line / p.rows);
  const y = image * p.height + along(line % p.rows, p.rows, p.height - p.tileHeight);
  return { y, x: along(tile % p.columns, p.columns, p.width - p.tileWidth) };
}

export const gatherTilesTwin: TwinOf<typeof gatherTiles> = ({ tensors: { region, order }, parameters: p }) => {
  const y = new Float64Array(p.tiles * p.tileHeight * p.tileWidth * p.channels);
  let at = 0;
  for (let i = 0; i < p.tiles; i++) {
    const { y: top, x: left } = placeOf(p, order[p.firstTile + i]!);
    for (let dy = 0; dy < p.tileHeight; dy++)
      for (let dx = 0; dx < p.tileWidth; dx++)
        for (let c = 0; c < p.channels; c++) y[at++] = region[((top + dy) * p.width + left + dx) * p.channels + c]!;
  }
  return { y };
};

/** Tile by tile over its pixels, where the kernel goes pixel by pixel over its tiles. */
export const mergeTilesTwin: TwinOf<typeof mergeTiles> = ({ tensors, parameters: p }) => {
  const { tilesIn, places, rowWeights, columnWeights } = tensors;
  const y = Float64Array.from(tensors.y);
  const pixels = y.length / p.channels;
  const total = new Float64Array(pixels);
  const isBegun = new Uint8Array(pixels);
  const isOurs = (place: number) => place > p.firstTile && place <= p.firstTile + p.tiles;
  const each = (body: (place: number, pixel: number, weight: number, from: number) => void) => {
    for (const [tile, place] of places.entries()) {
      if (place === 0) continue;
      const { y: top, x: left } = placeOf(p, tile);
      for (let dy = 0; dy < p.tileHeight; dy++)
        for (let dx = 0; dx < p.tileWidth; dx++) {
          const from = ((place - 1 - p.firstTile) * p.tileHeight + dy) * p.tileWidth + dx;
          body(place, (top + dy) * p.width + left + dx, rowWeights[dy]! * columnWeights[dx]!, from);
        }
    }
  };
  each((place, pixel, weight) => {
    total[pixel]! += weight;
    if (place <= p.firstTile) isBegun[pixel] = 1;
  });
  for (let pixel = p.firstLine * p.width; pixel < (p.firstLine + p.lines) * p.width; pixel++)
    if (!isBegun[pixel]) y.fill(0, pixel * p.channels, (pixel + 1) * p.channels);
  each((place, pixel, weight, from) => {
    if (!isOurs(place)) return;
    for (let c = 0; c < p.channels; c++)
      y[pixel * p.channels + c]! += (weight / total[pixel]!) * tilesIn[from * p.channels + c]!;
  });
  return { y };
};
