/** Where the tiles of a larger picture stand, for the kernels that cut them out and put them together. */
import { wgsl } from "../../engine/wgsl.ts";

/**
 * Parameters: the pictures' size, the tiles' size, tiles down and across a picture, and which tiles this dispatch is
 * about, by their place in the order of those that are computed.
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

/** Tiles are spread evenly: the i-th of n along a side begins at ⌊i·room/(n − 1)⌋, room = side − tile. */
export const tileOrigin = wgsl`
fn originAlong(index: u32, count: u32, room: u32) -> u32 { return index * room / max(count - 1u, 1u); }
`;
