/**
 * One picture of a grid of pictures: rows with a caption each, on dark neutral gray. It is for looking at runs, so
 * small pictures are enlarged without smoothing. Not here: writing it (pictures.ts, files.ts).
 */
import { InputError } from "../errors.ts";
import { type Mask, type Picture, checkPair, createPicture } from "../pictures/image.ts";
import { resize } from "../pictures/resize.ts";

export interface SheetRow {
  /** Printable ASCII; anything else is shown as "?". */
  readonly label: string;
  /** From left to right; undefined leaves a cell empty. */
  readonly pictures: readonly (Picture | undefined)[];
}

const background = 0x1c;
const caption = 0xd8;
const holeGray = 0x80;
const gap = 8;
/** Small pictures are enlarged by a whole factor to at most this; a sheet of one column has room for more. */
const cellSize = 128;
const largestCell = 256;
const glyphWidth = 5;
const glyphHeight = 7;
const textScale = 2;

/**
 * The sheet, opaque. Cells are as wide as the widest picture and as high as their row's highest;
 * smaller ones are centred. Transparent pixels show
 * the background.
 * @throws InputError if there is no picture at all.
 */
export function contactSheet(rows: readonly SheetRow[]): Picture {
  const pictures = rows.flatMap((row) => row.pictures).filter((picture) => picture !== undefined);
  if (pictures.length === 0) throw new InputError("a contact sheet needs at least one picture, got none");
  const longest = Math.max(...pictures.map((picture) => Math.max(picture.width, picture.height)));
  const columns = Math.max(...rows.map((row) => row.pictures.length));
  const factor = Math.max(1, Math.floor((columns === 1 ? largestCell : cellSize) / longest));
  const shown = rows.map((row) => row.pictures.map((picture) => picture && fitted(picture, factor)));
  const cells = shown.flat().filter((picture) => picture !== undefined);
  const cellWidth = Math.max(...cells.map((cell) => cell.width));
  const textHeight = textScale * glyphHeight + gap;
  const cellHeights = shown.map((row) => Math.max(0, ...row.map((picture) => picture?.height ?? 0)));
  const gridWidth = columns * (cellWidth + gap) + gap;
  const textWidth = Math.max(...rows.map(({ label }) => 2 * gap + textScale * (glyphWidth + 1) * label.length));
  const height = cellHeights.reduce((sum, cellHeight) => sum + textHeight + cellHeight + 2 * gap, gap);
  const sheet = createPicture(Math.max(gridWidth, textWidth), height);
  for (let i = 0; i < sheet.data.length; i++) sheet.data[i] = i % 4 === 3 ? 255 : background;
  let top = gap;
  rows.forEach(({ label }, r) => {
    drawText(sheet, label, gap, top);
    top += textHeight;
    shown[r]!.forEach((picture, column) => {
      if (!picture) return;
      const x = gap + column * (cellWidth + gap) + ((cellWidth - picture.width) >> 1);
      draw(sheet, picture, x, top + ((cellHeights[r]! - picture.height) >> 1));
    });
    top += cellHeights[r]! + 2 * gap;
  });
  return sheet;
}

/** The picture with mid gray where it is to be filled: what a person sees of an input. */
export function showHole(picture: Picture, keep: Mask): Picture {
  checkPair(picture, keep);
  const data = picture.data.slice();
  keep.data.forEach((value, i) => {
    if (!(value >= 0.5)) data.set([holeGray, holeGray, holeGray, 255], 4 * i);
  });
  return { width: picture.width, height: picture.height, data };
}

function fitted(picture: Picture, factor: number): Picture {
  const { width, height } = picture;
  const shrink = largestCell / Math.max(width, height);
  if (shrink < 1)
    return resize(
      picture,
      Math.max(1, Math.round(width * shrink)),
      Math.max(1, Math.round(height * shrink)),
      "bicubic",
    );
  const out = createPicture(width * factor, height * factor);
  for (let y = 0; y < out.height; y++)
    for (let x = 0; x < out.width; x++) {
      const from = 4 * (Math.floor(y / factor) * width + Math.floor(x / factor));
      for (let c = 0; c < 4; c++) out.data[4 * (y * out.width + x) + c] = picture.data[from + c]!;
    }
  return out;
}

function draw(sheet: Picture, picture: Picture, x: number, y: number): void {
  for (let v = 0; v < picture.height; v++)
    for (let u = 0; u < picture.width; u++) {
      const from = 4 * (v * picture.width + u);
      const to = 4 * ((y + v) * sheet.width + x + u);
      const alpha = picture.data[from + 3]! / 255;
      for (let c = 0; c < 3; c++) sheet.data[to + c] = background + alpha * (picture.data[from + c]! - background);
    }
}

function drawText(sheet: Picture, text: string, x: number, y: number): void {
  Array.from(text).forEach((character, i) => {
    const printable = /^[ -~]$/.test(character) ? character : "?";
    const glyph = 2 * glyphWidth * (printable.charCodeAt(0) - 32);
    for (let u = 0; u < glyphWidth * textScale; u++) {
      const at = glyph + 2 * Math.floor(u / textScale);
      const column = Number.parseInt(glyphs.slice(at, at + 2), 16);
      for (let v = 0; v < glyphHeight * textScale; v++) {
        if (((column >> Math.floor(v / textScale)) & 1) === 0) continue;
        const to = 4 * ((y + v) * sheet.width + x + i * (glyphWidth + 1) * textScale + u);
        sheet.data.fill(caption, to, to + 3);
      }
    }
  });
}

/** 5x7 dots a character from space to tilde: five columns of two hexadecimal digits, the lowest bit on top. */
const glyphs =
  "000000000000005f00000007000700147f147f14242a7f2a12231308646236495522500005030000001c2241000041221c00" +
  "14083e081408083e080800503000000808080808006060000020100804023e5149453e00427f400042615149462141454b31" +
  "1814127f1027454545393c4a49493001710905033649494936064949291e0036360000005636000008142241001414141414" +
  "00412214080201510906324979413e7e1111117e7f494949363e414141227f4141221c7f494949417f090909013e4149497a" +
  "7f0808087f00417f41002040413f017f081422417f404040407f020c027f7f0408107f3e4141413e7f090909063e4151215e" +
  "7f09192946464949493101017f01013f4040403f1f2040201f3f4038403f631408146307087008076151494543007f414100" +
  "02040810200041417f0004020102044040404040000102040020545454787f484444383844444420384444487f3854545418" +
  "087e0901020c5252523e7f0804047800447d40002040443d007f1028440000417f40007c041804787c080404783844444438" +
  "7c14141408081414187c7c080404084854545420043f4440203c4040207c1c2040201c3c4030403c44281028440c5050503c" +
  "4464544c44000836410000007f000000413608001008081008";
