/** What a file is that is no picture we read, told by its first bytes, and what its owner can do. */

export function otherFormat(bytes: Uint8Array): string | undefined {
  const ascii = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  const found = formats.find(([, isIt]) => isIt(ascii));
  return found?.[0];
}

const convert = "convert it to PNG or JPEG first";

/** ISO media files: their brand says what is in them. */
const heic = /^....ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)/s;

const formats: readonly (readonly [string, (ascii: string) => boolean])[] = [
  [`is a GIF; ${convert}`, (ascii) => ascii.startsWith("GIF8")],
  [`is a BMP picture; ${convert}`, (ascii) => ascii.startsWith("BM")],
  [
    `is a TIFF picture, or a camera's raw file; ${convert}`,
    (ascii) => /^(II[*+]\0|MM\0[*+]|IIU\0|FUJIFILM)/.test(ascii),
  ],
  [
    `is a HEIC picture, whose compression is patented; ${convert}, as phones do when they share it`,
    (ascii) => heic.test(ascii),
  ],
  [`is a film or a camera's raw file; ${convert}`, (ascii) => ascii.slice(4, 8) === "ftyp"],
  [`is a JPEG XL picture; ${convert}`, (ascii) => ascii.startsWith("\xff\x0a") || ascii.slice(4, 8) === "JXL "],
  [
    `is a JPEG 2000 picture; ${convert}`,
    (ascii) => ascii.slice(4, 8) === "jP  " || ascii.startsWith("\xff\x4f\xff\x51"),
  ],
  [`is a PNM picture; ${convert}`, (ascii) => /^P[1-7][\s#]/.test(ascii)],
  [`is a Photoshop picture; ${convert}`, (ascii) => ascii.startsWith("8BPS")],
  [`is a PDF; ${convert}`, (ascii) => ascii.startsWith("%PDF")],
  [`is an SVG or another text document; ${convert}`, (ascii) => /^\s*<(\?xml|svg|!doctype|html)/i.test(ascii)],
  [
    "is a safetensors or another data file, not a picture",
    (ascii) => /^.{6}\0\0\{"/s.test(ascii) || ascii.startsWith("PK"),
  ],
];
