/**
 * Adds tiles to the pictures that they were cut out of (`gatherTiles`), weighted: y += Σ rowWeights · columnWeights ·
 * tiles, over this dispatch's tiles that cover a pixel, in their order. The first tile of a picture begins at zero.
 * Dispatches that go through all tiles in order add in one order, however many each has: the sum has the same bits for
 * every batch. Weights of all tiles that cover a pixel are to add up to 1, as `tileWeights` makes them.
 *
 * Twin: test/twins/tiles.ts. Cases: test/kernelCasesTiles.ts. Planned by src/repaint/tiledForward.ts.
 */
import { defineKernel, read, readScalar, readWrite } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { tileLattice, tileOrigin } from "./lib/tileLattice.ts";

export const mergeTiles = defineKernel()({
  name: "mergeTiles",
  /** rowWeights [rows, tileHeight], columnWeights [columns, tileWidth] */
  bindings: { tilesIn: read, rowWeights: readScalar, columnWeights: readScalar, y: readWrite },
  parameters: { ...tileLattice, images: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.height * p.width * p.channels),
  source: ({ header }) => wgsl`${header}
${tileOrigin}
${elementwiseMain("parameters.images * parameters.height * parameters.width * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let px = index / vectors % parameters.width;
  let py = index / vectors / parameters.width % parameters.height;
  let image = index / vectors / parameters.width / parameters.height;
  let each = parameters.rows * parameters.columns;
  let begin = max(parameters.firstTile, image * each);
  let end = min(parameters.firstTile + parameters.tiles, (image + 1u) * each);
  if (begin >= end) { return; }
  var sum = vec4<f32>(0.0);
  if (begin > image * each) { sum = load_y(index); }
  for (var tile = begin; tile < end; tile++) {
    let origin = tileOrigin(tile);
    // Below the origin the difference wraps to a number that is no place in a tile.
    let x = px - origin.x;
    let y = py - origin.y;
    if (x >= parameters.tileWidth || y >= parameters.tileHeight) { continue; }
    let cell = tile % each;
    let down = rowWeights[cell / parameters.columns * parameters.tileHeight + y];
    let across = columnWeights[cell % parameters.columns * parameters.tileWidth + x];
    let place = ((tile - parameters.firstTile) * parameters.tileHeight + y) * parameters.tileWidth + x;
    sum += down * across * load_tilesIn(place * vectors + c);
  }
  store_y(index, sum);
}
`,
});
