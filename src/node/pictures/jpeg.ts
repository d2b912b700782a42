/**
 * JPEGs to pixels by libjpeg-turbo, which interpolates chroma as browsers, PIL and cameras' viewers do: the pixels are
 * theirs to the bit. Its TurboJPEG interface is called as its turbojpeg.h describes it.
 */
import { checkPixels } from "./limits.ts";
import { type JpegHeader, readJpegHeader } from "./jpegHeader.ts";
import { openDecoder } from "./wasm.ts";

/** Of turbojpeg.h: pixel formats, and the first of the colour spaces with four inks. */
const TJPF_RGBA = 7;
const TJPF_CMYK = 11;
const TJCS_CMYK = 3;

/**
 * An encoder makes some ten scans; each goes through the whole picture again, so many of them keep a decoder at work
 * for long.
 */
const mostScans = 100;

interface DecodedJpeg {
  readonly header: JpegHeader;
  readonly width: number;
  readonly height: number;
  /** RGBA; the decoder's own memory, so copy what is to stay. */
  readonly data: Uint8Array;
  /** Something in the data is out of order: browsers and PIL show such files too, parts of them perhaps gray. */
  readonly odd: boolean;
}

/** @throws Error with the reason; InputError for a size that is none or too large */
export function decodeJpeg(bytes: Uint8Array, name: string): DecodedJpeg {
  const header = readJpegHeader(bytes);
  const { width, height, scans, progressive } = header;
  // Coefficients of all scans are kept beside the pixels.
  checkPixels({ width, height, name, bytesPerPixel: progressive || scans > 1 ? 14 : 8 });
  // A block of 8x8 takes at least one bit of the file, whatever its header claims.
  if (width * height > 512 * bytes.length) throw new Error(`its data are too short for ${width}x${height} pixels`);
  if (scans > mostScans) throw new Error(`it has ${scans} scans, at most ${mostScans} are read`);
  const { call, put, allocate, view } = openDecoder("@cwasm/jpeg-turbo/jpeg-turbo.wasm");
  const file = put(bytes);
  const decoder = call("tjInitDecompress");
  const facts = allocate(16);
  // 0 is success; otherwise there were warnings, as an error is an exception here.
  const headerStatus = call(
    "tjDecompressHeader3",
    decoder,
    file,
    bytes.length,
    facts,
    facts + 4,
    facts + 8,
    facts + 12,
  );
  const seen = view(facts, 16);
  const [foundWidth, foundHeight, , colours] = new Uint32Array(seen.buffer, seen.byteOffset, 4);
  if (foundWidth !== width || foundHeight !== height) throw new Error("its header contradicts itself");
  const hasInks = colours! >= TJCS_CMYK;
  const pixels = allocate(4 * width * height);
  const format = hasInks ? TJPF_CMYK : TJPF_RGBA;
  const status = call("tjDecompress2", decoder, file, bytes.length, pixels, width, 4 * width, height, format, 0);
  const data = view(pixels, 4 * width * height);
  if (hasInks) inksToRgb(data);
  return { header, width, height, data, odd: headerStatus === 0 && status !== 0 };
}

/**
 * Adobe's CMYK, in place: the inks are stored inverted (255 is none), so red is the share that cyan and black let
 * through.
 */
function inksToRgb(data: Uint8Array): void {
  for (let i = 0; i < data.length; i += 4) {
    const black = data[i + 3]!;
    for (let c = 0; c < 3; c++) data[i + c] = Math.round((data[i + c]! * black) / 255);
    data[i + 3] = 255;
  }
}
