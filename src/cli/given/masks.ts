/** A mask's pattern by its name. */
import { InputError } from "../../errors.ts";
import { MASK_PATTERNS, type MaskPattern } from "../../pictures/masks.ts";
import { quoted } from "../../text/quoted.ts";
import { hint } from "../values.ts";

/** @throws InputError that names the nearest kind */
export function readPattern(text: string): MaskPattern {
  const patterns = Object.keys(MASK_PATTERNS);
  if (patterns.includes(text)) return text as MaskPattern;
  throw new InputError(
    `${quoted(text)} is no kind of mask${hint(text.toLowerCase(), patterns)}; the kinds are ${patterns.join(", ")}`,
  );
}
