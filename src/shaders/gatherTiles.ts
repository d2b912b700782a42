/**
 * Cuts tiles of one size out of larger pictures: tiles[t] = region[image, y₀ + y, x₀ + x]. The tiles of a picture stand
 * on a lattice of rows × columns whose first and last tiles touch the picture's edges; tile t counts through all
 * pictures. MultiDiffusion (Bar-Tal et al. 2023): each tile is denoised by itself, `mergeTiles` puts them together.
 *
 * Twin: test/twins/tiles.ts. Cases: test/kernelCasesTiles.ts. Planned by src/repaint/tiledForward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { tileLattice, tileOrigin } from "./lib/tileLattice.ts";

export const gatherTiles = defineKernel()({
  name: "gatherTiles",
  bindings: { region: read, y: write },
  parameters: { ...tileLattice, channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.tiles * p.tileHeight * p.tileWidth * p.channels),
  source: ({ header }) => wgsl`${header}
${tileOrigin}
${elementwiseMain("parameters.tiles * parameters.tileHeight * parameters.tileWidth * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let x = index / vectors % parameters.tileWidth;
  let y = index / vectors / parameters.tileWidth % parameters.tileHeight;
  let tile = parameters.firstTile + index / vectors / parameters.tileWidth / parameters.tileHeight;
  let origin = tileOrigin(tile);
  let image = tile / (parameters.rows * parameters.columns);
  let pixel = (image * parameters.height + origin.y + y) * parameters.width + origin.x + x;
  store_y(index, load_region(pixel * vectors + c));
}
`,
});
