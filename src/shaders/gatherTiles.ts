/**
 * Cuts tiles of one size out of larger pictures: y[i] = region[image, y₀ + y, x₀ + x] of the tile order[firstTile + i].
 * The tiles of a picture stand on a lattice of rows × columns whose first and last tiles touch the picture's edges;
 * tiles are numbered through all pictures, and those that nobody needs are not in the order. MultiDiffusion (Bar-Tal et
 * al. 2023): each tile is denoised by itself, `mergeTiles` puts them together.
 *
 * Twin: test/twins/tiles.ts. Cases: test/kernelCasesTiles.ts. Planned by src/repaint/tiledForward.ts.
 */
import { defineKernel, read, readScalar, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { tileLattice, tileOrigin } from "./lib/tileLattice.ts";

export const gatherTiles = defineKernel()({
  name: "gatherTiles",
  /** order: u32 [tiles that are computed] */
  bindings: { region: read, order: readScalar, y: write },
  parameters: { ...tileLattice, channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.tiles * p.tileHeight * p.tileWidth * p.channels),
  source: ({ header }) => wgsl`${header}
${tileOrigin}
${elementwiseMain("parameters.tiles * parameters.tileHeight * parameters.tileWidth * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let x = index / vectors % parameters.tileWidth;
  let y = index / vectors / parameters.tileWidth % parameters.tileHeight;
  let tile = order[parameters.firstTile + index / vectors / parameters.tileWidth / parameters.tileHeight];
  let line = tile / parameters.columns;
  let left = originAlong(tile % parameters.columns, parameters.columns, parameters.width - parameters.tileWidth);
  let top = originAlong(line % parameters.rows, parameters.rows, parameters.height - parameters.tileHeight);
  let pixel = (line / parameters.rows * parameters.height + top + y) * parameters.width + left + x;
  store_y(index, load_region(pixel * vectors + c));
}
`,
});
