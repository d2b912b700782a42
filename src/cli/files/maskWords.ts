/** What is said of a picture and its mask before a run, so that one that means something else is seen in time. */
import { carriedExif, type FilePicture, type KeptExif } from "../../node/pictures.ts";
import type { MaskReading } from "../../pictures/keepMask.ts";
import type { Pair, ReadPair } from "./pictureFiles.ts";

/** What of a file beside its pixels goes into its result; nothing where there is nothing. */
export function keptWords(image: string, { colours, exif }: FilePicture, kept: KeptExif): string[] {
  const carried = carriedExif(exif, kept);
  const hasMore = (carriedExif(exif, "all")?.length ?? 0) > (carried?.length ?? 0);
  const parts: string[] = [];
  if (colours && (colours.space || !colours.isUnderstood))
    parts.push(`its colours (${colours.name})${colours.isUnderstood ? "" : ", which the model takes for sRGB,"}`);
  if (carried) parts.push(`its EXIF ${kept === "all" ? "with the place" : "of camera and date"}`);
  if (parts.length === 0) return [];
  return [`${image}: ${parts.join(" and ")} go into the result${hasMore ? "; --exif all keeps the place, too" : ""}.`];
}

/**
 * A sentence where the mask is none of white on black, and the share that is to be filled, with doubts where it is odd.
 * `isBrief`: nothing where there is nothing to doubt.
 */
export function maskWords(pair: Pair, { keep, reading, before }: ReadPair, isBrief: boolean): string[] {
  const { mask, image, kind } = pair;
  const meaning = kind === "fill" ? "to be filled" : "known";
  const readings: Readonly<Record<MaskReading, string>> = {
    luminance: "",
    brush: `${mask} is a coloured brush on black: what it covers is ${meaning}.`,
    numbers: `${mask} has the numbers 0 and 1: 1 is ${meaning}.`,
    layer: `${mask} is a layer of one colour: what it covers is ${meaning}.`,
    picture: mask === image ? "" : `${mask} is a picture, not a mask: what is transparent in it is to be filled.`,
  };
  const share = shareToFill(keep.data);
  // A thin border is not a speck, and a wide one is no mask the wrong way round.
  const isOdd = !before && (share > 0.9 || (share < 0.001 && share > 0));
  if (isBrief && !isOdd) return [];
  const said = reading && readings[reading] ? [readings[reading]] : [];
  if (share === 0) return said;
  if (before) {
    const sizes = `${before.width}×${before.height} become ${keep.width}×${keep.height}`;
    return [...said, `${image}: ${sizes}, of which ${percent(share)} is to be filled.`];
  }
  const words = `${image}: ${percent(share)} is to be filled`;
  if (!isOdd) return [...said, `${words}.`];
  const other = kind === "fill" ? "--keep" : "--fill";
  const reason =
    share < 0.001
      ? "A mask that was scaled or compressed may have left a speck."
      : reading === "picture"
        ? "What is transparent is filled."
        : `If white means the opposite, use ${other}.`;
  return [...said, `${words}: is that meant? ${reason}`];
}

function shareToFill(keep: Float32Array): number {
  let filled = 0;
  for (const value of keep) if (value < 0.5) filled++;
  return filled / keep.length;
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}
