/** The cases of tiles: one for a picture, ragged lattices, part of the tiles of several pictures, tiles left out. */
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";
import type { Lattice } from "./twins/tiles.ts";

interface TileRun extends Lattice {
  /** The tiles that are computed; all of them where it is not given. */
  readonly order?: readonly number[];
  readonly firstTile: number;
  readonly tiles: number;
  /** The lines of pixels of these tiles, through all pictures. */
  readonly firstLine: number;
  readonly lines: number;
}

function tileCases(title: string, images: number, channels: number, { order: given, ...run }: TileRun): KernelCase[] {
  const { firstLine, lines, ...lattice } = run;
  const { height, width, tileHeight, tileWidth, rows, columns, tiles } = lattice;
  const pixels = images * height * width;
  const places = new Float64Array(images * rows * columns);
  const order = Float64Array.from(given ?? places.keys());
  for (const [place, tile] of order.entries()) places[tile] = place + 1;
  return [
    {
      kernel: "gatherTiles",
      title,
      variant: {},
      parameters: { ...lattice, channels },
      inputs: { region: values(pixels * channels, 61), order },
      types: { order: "u32" },
      tolerance: 0,
    },
    {
      kernel: "mergeTiles",
      title,
      variant: {},
      parameters: { ...lattice, firstLine, lines, channels },
      inputs: {
        tilesIn: values(tiles * tileHeight * tileWidth * channels, 62),
        places,
        // Above 0, as all weights are.
        rowWeights: values(tileHeight, 63).map((value) => 0.1 + Math.abs(value)),
        columnWeights: values(tileWidth, 64).map((value) => 0.1 + Math.abs(value)),
        y: values(pixels * channels, 65),
      },
      types: { places: "u32" },
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
    firstLine: 0,
    lines: 6,
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
    firstLine: 0,
    lines: 17,
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
    firstLine: 5,
    lines: 12,
  }),
  ...tileCases("some tiles of two pictures, the others left out", 2, 4, {
    height: 11,
    width: 9,
    tileHeight: 6,
    tileWidth: 4,
    rows: 2,
    columns: 3,
    order: [1, 3, 7, 8, 9],
    firstTile: 1,
    tiles: 3,
    firstLine: 5,
    lines: 12,
  }),
];
