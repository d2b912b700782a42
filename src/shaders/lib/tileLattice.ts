/** Where the tiles of a larger picture stand, for the kernels that cut them out and put them together. */
import { wgsl } from "../../engine/wgsl.ts";

/**
 * Parameters: the pictures' size, the tiles' size, tiles down and across a picture, and which tiles this dispatch is
 * about.
 */
export const tileLattice = {
  height: "u32",
  width: "u32",
  tileHeight: "u32",
  tileWidth: "u32",
  rows: "u32",
  columns: "u32",
  firstTile: "u32",
  tiles: "u32",
} as const;

/**
 * `tileOrigin(tile)`: the upper left pixel (x, y). Origins are spread evenly: i-th of n along a side, ⌊i·(side −
 * tile)/(n − 1)⌋.
 */
export const tileOrigin = wgsl`
fn originAlong(index: u32, count: u32, room: u32) -> u32 { return index * room / max(count - 1u, 1u); }
fn tileOrigin(tile: u32) -> vec2<u32> {
  let cell = tile % (parameters.rows * parameters.columns);
  let x = originAlong(cell % parameters.columns, parameters.columns, parameters.width - parameters.tileWidth);
  let y = originAlong(cell / parameters.columns, parameters.rows, parameters.height - parameters.tileHeight);
  return vec2<u32>(x, y);
}
`;
