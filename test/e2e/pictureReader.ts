/** Pictures as the browser reads them, and how far they are from what others read. */
import { apart, type RawPicture, readRaw } from "../support/rawPicture.ts";

declare global {
  /** Puts the files of picture `index` behind /read/: "file", and what read it of "node", "srgb" and "pil". */
  var prepare: (index: number) => Promise<void>;
}

/** How many levels from what others read; nothing where one of the two did not read it. */
export interface BrowserReading {
  readonly reason: string | undefined;
  /** Without conversion of colours: from our pixels, and from PIL's. */
  readonly node: number | undefined;
  readonly pil: number | undefined;
  /** With conversion to sRGB: from ours with `toSrgb`. */
  readonly srgb: number | undefined;
}

export async function run(count: number): Promise<BrowserReading[]> {
  const readings: BrowserReading[] = [];
  for (let index = 0; index < count; index++) {
    await globalThis.prepare(index);
    const other = async (reader: string, own: RawPicture) => {
      const bytes = await bytesOf(`/read/${index}.${reader}`);
      return bytes && apart(readRaw(bytes), own);
    };
    try {
      const file = new Blob([(await bytesOf(`/read/${index}.file`))!]);
      const plain = await pixelsOf(file, "none");
      const [node, pil] = [await other("node", plain), await other("pil", plain)];
      readings.push({ reason: undefined, node, pil, srgb: await other("srgb", await pixelsOf(file, "default")) });
    } catch (error) {
      readings.push({
        reason: error instanceof Error ? error.name : String(error),
        node: undefined,
        pil: undefined,
        srgb: undefined,
      });
    }
  }
  return readings;
}

async function bytesOf(url: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const response = await fetch(url);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
}

async function pixelsOf(file: Blob, colorSpaceConversion: "none" | "default"): Promise<RawPicture> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  const { width, height } = bitmap;
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
