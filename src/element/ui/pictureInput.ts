/**
 * Pictures as people have them (files, addresses, what they paste) as pixels, upright. Not here: the camera
 * (camera.ts), where they come in (stage.ts).
 */
import { lastPart } from "../../text/addresses.ts";
import { InputError } from "../../errors.ts";
import { drawnPicture, type Drawable } from "../../pictures/drawn.ts";
import { checkSize, type Picture } from "../../pictures/image.ts";
import { byteWords } from "./words.ts";
import { mostPixels } from "./workspace.ts";

export interface NamedPicture {
  readonly picture: Picture;
  /** Of the file, without its ending. */
  readonly name: string;
}

const mostBytes = 2 ** 28;

/** What a page may hand over as a picture. */
export type PictureSource = URL | string | Picture | Drawable;

/** @throws InputError in words for people */
export async function readPicture(source: PictureSource, signal?: AbortSignal): Promise<NamedPicture> {
  if (typeof source === "string" || source instanceof URL) return fetchPicture(source, signal);
  if ("data" in Object(source)) {
    checkSize("The picture", source as Picture, 4);
    const { width, height, data } = source as Picture;
    checkPixels(width, height);
    return { picture: { width, height, data: new Uint8ClampedArray(data) }, name: "picture" };
  }
  if (source instanceof Blob) return decodeBlob(source, source instanceof File ? source.name : "");
  return { picture: await drawnPicture(source as Drawable, "The picture", checkPixels), name: "picture" };
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
  return decodeBlob(await response.blob(), lastPart(url));
}

async function decodeBlob(blob: Blob, file: string): Promise<NamedPicture> {
  if (blob.size > mostBytes)
    throw new InputError(
      `${file || "This"} has ${byteWords(blob.size)}: pictures of up to ${byteWords(mostBytes)} can be opened`,
    );
  const picture = await drawnPicture(blob, file || "This", checkPixels);
  return { picture, name: baseName(file) || "picture" };
}

function checkPixels(width: number, height: number): void {
  if (width * height > mostPixels)
    throw new InputError(
      `The picture has ${width}×${height} pixels: expected at most ${mostPixels / 2 ** 20} million. Make it smaller first.`,
    );
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
