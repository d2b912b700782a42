/** --extend: how far a canvas reaches beyond its picture. Not here: what is done with it (src/pictures/extend.ts). */
import { InputError } from "../../errors.ts";
import type { Sides } from "../../pictures/extend.ts";
import { quoted } from "../../text/quoted.ts";
import type { Arguments, Option } from "../command.ts";

export const extendOption: Option = {
  name: "extend",
  value: "L,T,R,B",
  help: "a larger canvas: pixels or % to add on the left, top, right and bottom, or one value for all; the border is filled",
};

interface Length {
  readonly amount: number;
  /** Of the picture's width or height. */
  readonly isPercent: boolean;
}

/** Of each side; how many pixels a percentage is, a picture's size says. */
export type Extension = Readonly<Record<keyof Sides, Length>>;

/** undefined without --extend. @throws InputError */
export function readExtension(given: Arguments): Extension | undefined {
  const text = given.text("extend");
  if (text === undefined) return undefined;
  const lengths = text.split(",").map(readLength);
  const [left, top = left, right = left, bottom = left] = lengths;
  if (![1, 4].includes(lengths.length) || !left || !top || !right || !bottom)
    throw new InputError(
      `--extend: expected LEFT,TOP,RIGHT,BOTTOM in pixels or % from 0 on, as 0,0,200,25%, or one for all, got ${quoted(text)}`,
    );
  if (lengths.every((length) => length!.amount === 0))
    throw new InputError(`--extend: ${quoted(text)} adds nothing: expected more than 0 on one side`);
  return { left, top, right, bottom };
}

function readLength(text: string): Length | undefined {
  const [, pixels, percent] = /^\s*(?:(\d{1,6})|(\d{1,6}(?:\.\d+)?)\s*%)\s*$/.exec(text) ?? [];
  if (pixels !== undefined) return { amount: Number(pixels), isPercent: false };
  return percent === undefined ? undefined : { amount: Number(percent), isPercent: true };
}

/** In pixels of the picture, rounded. */
export function sidesOf(extension: Extension, { width, height }: { width: number; height: number }): Sides {
  const pixels = ({ amount, isPercent }: Length, length: number) =>
    isPercent ? Math.round((amount * length) / 100) : amount;
  const { left, top, right, bottom } = extension;
  return {
    left: pixels(left, width),
    top: pixels(top, height),
    right: pixels(right, width),
    bottom: pixels(bottom, height),
  };
}

/** As the option takes it: "25%,0,25%,0". */
export function extensionWords({ left, top, right, bottom }: Extension): string {
  return [left, top, right, bottom].map(({ amount, isPercent }) => `${amount}${isPercent ? "%" : ""}`).join(",");
}
