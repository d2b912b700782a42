/**
 * Averages tiles over the pictures that they were cut out of (`gatherTiles`): y = Σ w·tiles / Σ w over all tiles that
 * cover a pixel and are computed, w = rowWeights·columnWeights. A dispatch adds its own tiles, in order, to what
 * dispatches before it have added, over the lines of pixels in which it has some. However many tiles each has, they add
 * in one order: the sum has the same bits for every batch. Where no tile is computed it is 0.
 *
 * Twin: test/twins/tiles.ts. Cases: test/kernelCasesTiles.ts. Planned by src/repaint/tiledForward.ts.
 */
import { defineKernel, read, readScalar, readWrite } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { tileLattice, tileOrigin } from "./lib/tileLattice.ts";

export const mergeTiles = defineKernel()({
  name: "mergeTiles",
  /**
   * places: u32 [images, rows, columns], of each tile 1 + its place in the order of those that are computed, 0: it is
   * not. rowWeights [tileHeight], columnWeights [tileWidth].
   */
  bindings: { tilesIn: read, places: readScalar, rowWeights: readScalar, columnWeights: readScalar, y: readWrite },
  /** Lines of pixels are numbered through all pictures. */
  parameters: { ...tileLattice, firstLine: "u32", lines: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.lines * p.width * p.channels),
  source: ({ header }) => wgsl`${header}
${tileOrigin}
// How many of the tiles along a side begin before a pixel.
fn begunBefore(pixel: u32, count: u32, room: u32) -> u32 {
  if (room == 0u) { return min(pixel, 1u); }
  return min(count, (pixel * (count - 1u) + room - 1u) / room);
}
// The tiles along a side that cover a pixel: the first, and the one after the last.
fn covering(pixel: u32, tile: u32, count: u32, room: u32) -> vec2<u32> {
  let ended = select(0u, begunBefore(pixel + 1u - tile, count, room), pixel >= tile);
  return vec2<u32>(ended, begunBefore(pixel + 1u, count, room));
}
${elementwiseMain("parameters.lines * parameters.width * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let px = index / vectors % parameters.width;
  let line = parameters.firstLine + index / vectors / parameters.width;
  let py = line % parameters.height;
  let image = line / parameters.height;
  let roomAcross = parameters.width - parameters.tileWidth;
  let roomDown = parameters.height - parameters.tileHeight;
  let across = covering(px, parameters.tileWidth, parameters.columns, roomAcross);
  let down = covering(py, parameters.tileHeight, parameters.rows, roomDown);
  var total = 0.0;
  for (var row = down.x; row < down.y; row++) {
    let rowWeight = rowWeights[py - originAlong(row, parameters.rows, roomDown)];
    for (var column = across.x; column < across.y; column++) {
      if (places[(image * parameters.rows + row) * parameters.columns + column] == 0u) { continue; }
      total += rowWeight * columnWeights[px - originAlong(column, parameters.columns, roomAcross)];
    }
  }
  let at = line * parameters.width * vectors + px * vectors + c;
  var sum = vec4<f32>(0.0);
  for (var row = down.x; row < down.y; row++) {
    let y = py - originAlong(row, parameters.rows, roomDown);
    for (var column = across.x; column < across.y; column++) {
      let place = places[(image * parameters.rows + row) * parameters.columns + column];
      if (place == 0u || place > parameters.firstTile + parameters.tiles) { continue; }
      if (place <= parameters.firstTile) {
        sum = load_y(at);
        continue;
      }
      let x = px - originAlong(column, parameters.columns, roomAcross);
      let tile = place - 1u - parameters.firstTile;
      let source = (tile * parameters.tileHeight + y) * parameters.tileWidth + x;
      sum += rowWeights[y] * columnWeights[x] / total * load_tilesIn(source * vectors + c);
    }
  }
  store_y(at, sum);
}
`,
});
