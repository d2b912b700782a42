/**
 * Pixels of what a page can draw: files, images, canvases, bitmaps, a video's frame. Needs `createImageBitmap`, which
 * pages and their workers have. Not here: addresses (element/ui/pictureInput.ts), files in Node (node/pictures.ts).
 */
import { InputError } from "../errors.ts";
import { kindOf } from "../text/kindOf.ts";
import type { NewPicture, Picture } from "./image.ts";

/**
 * A Blob, an HTMLImageElement, HTMLCanvasElement or HTMLVideoElement, an OffscreenCanvas, ImageBitmap or VideoFrame.
 * Told by what each has, since Node's types know none of them.
 */
export type Drawable =
  | Blob
  | { decode(): Promise<void>; readonly naturalWidth: number }
  | { getContext(kind: "2d"): object | null; readonly width: number; readonly height: number }
  | { readonly videoWidth: number }
  | { close(): void; readonly width: number; readonly height: number }
  | { close(): void; readonly displayWidth: number };

/**
 * The pixels, upright, in sRGB; colours under translucent ones are kept where the browser has WebGL.
 * @param what begins the message of an error
 * @throws InputError for what is no picture, is empty or too large, or is another site's secret
 */
export async function drawnPicture(
  source: Drawable,
  what: string,
  check?: (width: number, height: number) => void,
): Promise<NewPicture> {
  const bitmap = await bitmapOf(source as HTMLImageElement, what);
  const { width, height } = bitmap;
  try {
    check?.(width, height);
    const picture = drawn(bitmap, what);
    return isTranslucent(picture) ? (exactPixels(bitmap) ?? picture) : picture;
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(source: HTMLImageElement, what: string): Promise<ImageBitmap> {
  try {
    // An image that is still on its way.
    await source.decode?.();
    // EXIF's orientation is applied; alpha stays apart, so that pixels keep their colour.
    return await createImageBitmap(source, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch {
    if (typeof createImageBitmap !== "function")
      throw new InputError(
        `${what}: ${kindOf(source)} is read in pages only; in Node, readPicture() of repaint-webgpu/node reads files`,
      );
    throw new InputError(
      source instanceof Blob
        ? `${what} is no picture that this browser can read: expected PNG, JPEG, WebP, AVIF or GIF`
        : `${what}: expected a file, an address, an ImageData, or an image or canvas with something in it, got ${kindOf(source)}`,
    );
  }
}

function drawn(bitmap: ImageBitmap, what: string): NewPicture {
  const { width, height } = bitmap;
  try {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, data: data as Uint8ClampedArray<ArrayBuffer> };
  } catch (error) {
    throw new InputError(
      (error as Error).name === "SecurityError"
        ? `${what}: it comes from another site, which has to allow it: load it with crossOrigin = "anonymous"`
        : // Phones allow less than desktops.
          `${what}: ${width}×${height} is too large for this browser: make it smaller first`,
    );
  }
}

function isTranslucent({ data }: Picture): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i]! < 255) return true;
  return false;
}

/** A 2D canvas multiplies colour by alpha and so loses some of it; WebGL's textures need not. undefined: no WebGL. */
function exactPixels(bitmap: ImageBitmap): NewPicture | undefined {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)) return undefined;
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D) as WebGLTexture, 0); // prettier-ignore
  if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) return undefined;
  const data = new Uint8ClampedArray(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(data.buffer));
  const failed = gl.getError() !== gl.NO_ERROR;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return failed ? undefined : { width, height, data };
}
