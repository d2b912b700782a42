/** The cases of tiles: one for a picture, ragged lattices, and part of the tiles of several pictures. */
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";
import type { Lattice } from "./twins/tiles.ts";

interface TileRun extends Lattice {
  readonly firstTile: number;
  readonly tiles: number;
}

function tileCases(title: string, images: number, channels: number, lattice: TileRun): KernelCase[] {
  const { height, width, tileHeight, tileWidth, rows, columns, tiles } = lattice;
  const pixels = images * height * width;
  return [
    {
      kernel: "gatherTiles",
      title,
      variant: {},
      parameters: { ...lattice, channels },
      inputs: { region: values(pixels * channels, 61) },
      tolerance: 0,
    },
    {
      kernel: "mergeTiles",
      title,
      variant: {},
      parameters: { ...lattice, images, channels },
      inputs: {
        tilesIn: values(tiles * tileHeight * tileWidth * channels, 62),
        rowWeights: values(rows * tileHeight, 63, { mean: 1 }),
        columnWeights: values(columns * tileWidth, 64, { mean: 1 }),
        y: values(pixels * channels, 65),
      },
      tolerance: 1e-6,
    },
  ];
}

export const tilesCases: readonly KernelCase[] = [
  ...tileCases("one tile is the picture", 1, 4, {
    height: 6,
    width: 5,
    tileHeight: 6,
    tileWidth: 5,
    rows: 1,
    columns: 1,
    firstTile: 0,
    tiles: 1,
  }),
  ...tileCases("3 × 4 tiles that do not divide their picture", 1, 8, {
    height: 17,
    width: 23,
    tileHeight: 8,
    tileWidth: 7,
    rows: 3,
    columns: 4,
    firstTile: 0,
    tiles: 12,
  }),
  ...tileCases("the last tile of one picture and the first two of the next", 2, 4, {
    height: 11,
    width: 9,
    tileHeight: 6,
    tileWidth: 4,
    rows: 2,
    columns: 3,
    firstTile: 5,
    tiles: 3,
  }),
];
