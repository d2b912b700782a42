/**
 * Pictures as people have them (files, addresses, what they paste) as pixels, upright. Not here: the camera
 * (camera.ts), where they come in (stage.ts).
 */
import { InputError } from "../../errors.ts";
import { checkSize, type Picture } from "../../pictures/image.ts";
import { kindOf } from "../../repaint/given.ts";
import { byteWords } from "./words.ts";
import { mostPixels } from "./workspace.ts";

export interface NamedPicture {
  readonly picture: Picture;
  /** Of the file, without its ending. */
  readonly name: string;
}

const mostBytes = 2 ** 28;

/** What a page may hand over as a picture. */
export type PictureSource =
  Blob | URL | string | ImageData | Picture | HTMLImageElement | HTMLCanvasElement | ImageBitmap;

/** @throws InputError in words for people */
export async function readPicture(source: PictureSource, signal?: AbortSignal): Promise<NamedPicture> {
  if (typeof source === "string" || source instanceof URL) return fetchPicture(source, signal);
  if (source instanceof Blob) return decodeBlob(source, source instanceof File ? source.name : "");
  if ("data" in Object(source)) {
    checkSize("The picture", source as Picture, 4);
    const { width, height, data } = source as Picture;
    checkPixels(width, height);
    return { picture: { width, height, data: new Uint8ClampedArray(data) }, name: "picture" };
  }
  const bitmap = await createImageBitmap(source as ImageBitmapSource, { premultiplyAlpha: "none" }).catch(() => {
    throw new InputError(
      `A picture was expected (a file, an address, ImageData, an image or a canvas with something in it), got ${kindOf(source)}`,
    );
  });
  return { picture: pixelsOf(bitmap), name: "picture" };
}

async function fetchPicture(address: string | URL, signal: AbortSignal | undefined): Promise<NamedPicture> {
  const url = new URL(address, document.baseURI);
  const response = await fetch(url, signal ? { signal } : {}).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new InputError(
      `${shown(url)} cannot be fetched: there is no such server, or it does not allow other sites to read its pictures. Save the picture and drop it here instead.`,
    );
  });
  if (!response.ok) throw new InputError(`${shown(url)} answered ${response.status}: check the address`);
  return decodeBlob(await response.blob(), decodeURIComponent(url.pathname.split("/").at(-1) ?? ""));
}

async function decodeBlob(blob: Blob, file: string): Promise<NamedPicture> {
  if (blob.size > mostBytes)
    throw new InputError(
      `${name} has ${byteWords(blob.size)}: pictures of up to ${byteWords(mostBytes)} can be opened`,
    );
  let bitmap: ImageBitmap;
  try {
    // EXIF's orientation is applied; alpha stays apart, so that its pixels keep their colour.
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch {
    throw new InputError(
      `${file || "This"} is no picture that this browser can read: expected PNG, JPEG, WebP, AVIF or GIF`,
    );
  }
  return { picture: pixelsOf(bitmap), name: baseName(file) || "picture" };
}

function checkPixels(width: number, height: number): void {
  if (width * height > mostPixels)
    throw new InputError(
      `The picture has ${width}×${height} pixels: expected at most ${mostPixels / 2 ** 20} million. Make it smaller first.`,
    );
}

/** Closes the bitmap. */
function pixelsOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  try {
    checkPixels(width, height);
    const picture = drawnPixels(bitmap);
    return isTranslucent(picture) ? (exactPixels(bitmap) ?? picture) : picture;
  } finally {
    bitmap.close();
  }
}

function drawnPixels(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  try {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch {
    // Phones allow less than desktops.
    throw new InputError(`The picture, ${width}×${height}, is too large for this browser: make it smaller first`);
  }
}

function isTranslucent({ data }: Picture): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i]! < 255) return true;
  return false;
}

/** A 2D canvas multiplies colour by alpha and so loses some of it; WebGL's textures need not. undefined: no WebGL. */
function exactPixels(bitmap: ImageBitmap): Picture | undefined {
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

/** The first picture among what was dropped or pasted: a file, or an address. */
export function pictureIn(transfer: DataTransfer | null): File | URL | undefined {
  if (!transfer) return undefined;
  const file = [...transfer.files].find(({ type }) => type.startsWith("image/"));
  if (file) return file;
  const text = (transfer.getData("text/uri-list") || transfer.getData("text/plain")).split("\n")[0]!.trim();
  return /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Checkpoints come by the same way as pictures do. */
export function modelIn(transfer: DataTransfer | null): { model: File; flags: File | undefined } | undefined {
  const files = [...(transfer?.files ?? [])];
  const model = files.find(({ name }) => /\.(safetensors|pt|pth|bin|ckpt)$/i.test(name));
  return model && { model, flags: files.find(({ name }) => /\.json$/i.test(name)) };
}

function baseName(file: string): string {
  return file.replace(/\.[a-z0-9]{1,8}$/i, "");
}

function shown(url: URL): string {
  return url.href.length > 80 ? `${url.href.slice(0, 79)}…` : url.href;
}
