/** `repaint mask`: the masks of the paper's experiments as PNG files. What they are is in src/pictures/masks.ts. */
import { InputError } from "../../errors.ts";
import { writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import { createPicture, type Mask, type Picture } from "../../pictures/image.ts";
import { drawKeepMask, MASK_PATTERNS, type MaskOptions, type MaskPattern } from "../../pictures/masks.ts";
import { type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import type { Context } from "../context.ts";
import { readSeed, readSize } from "../given/settings.ts";
import { readPattern } from "../given/masks.ts";
import { quoted } from "../../text/quoted.ts";

interface Settings {
  readonly pattern: MaskPattern;
  readonly options: MaskOptions;
  readonly white: "fill" | "keep";
  readonly out: string;
  readonly force: boolean;
}

export const maskCommand: Command<Settings> = {
  name: "mask",
  summary: "write one of the paper's six masks at any size",
  positional: "KIND",
  options: [
    { name: "size", value: "WxH", help: "of the picture that it is for, as 256x256" },
    { name: "out", value: "F", help: "PNG to write" },
    { name: "seed", value: "N", help: "of wide and narrow: the same seed draws the same mask everywhere (default 0)" },
    {
      name: "phase",
      value: "Y|X,Y",
      help: "the first known row of alternating-lines, the first known column and row of super-resolve: 0 or 1 each (default 0)",
    },
    { name: "fill", help: "white is what is to be filled, as `inpaint --fill` takes it (default)" },
    { name: "keep", help: "white is what is known, as `inpaint --keep` takes it" },
    forceOption,
    jsonOption,
  ],
  notes: [
    `KIND is one of: ${Object.entries(MASK_PATTERNS)
      .map(([name, meaning]) => `${name} (${meaning})`)
      .join(", ")}.`,
    "Lengths that the paper gives in pixels of 256x256 pictures scale with the square root of the area.",
  ],
  parse,
  run,
};

function parse(given: Arguments): Settings {
  const pattern = readPattern(given.positional!);
  given.required("size");
  const { width, height } = readSize(given)!;
  const options = { width, height, seed: readSeed(given), phase: readPhase(pattern, given.text("phase")) };
  if (given.has("fill") && given.has("keep"))
    throw new InputError("--fill and --keep say what white means, and it cannot mean both: give one of them");
  const white = given.has("keep") ? "keep" : "fill";
  const out = given.required("out");
  if (!/\.png$/i.test(out)) throw new InputError(`--out ${out}: masks are PNG; name it ${out}.png`);
  return { pattern, options, white, out, force: given.has("force") };
}

async function run({ pattern, options, white, out, force }: Settings, { report }: Context): Promise<void> {
  const { width, height } = options;
  const seed = String(options.seed);
  const keep = drawKeepMask(pattern, options);
  const png = encodePng(maskPicture(keep, white), { Software: "repaint-webgpu", Mask: pattern, Seed: seed });
  await writeFileAtomic(out, png, { force });
  const known = keep.data.reduce((sum, value) => sum + value, 0) / keep.data.length;
  report.event("mask", { file: out, kind: pattern, width, height, seed, white, known });
  report.say(
    `Wrote ${out}: ${pattern}, ${(100 * known).toFixed(1)} % known, white is ${white === "fill" ? "to be filled" : "known"}`,
  );
}

function readPhase(pattern: MaskPattern, text: string | undefined): MaskOptions["phase"] {
  if (text === undefined) return undefined;
  const expected = { "super-resolve": "X,Y", "alternating-lines": "Y" }[pattern as string];
  if (expected === undefined)
    throw new InputError(`--phase: ${pattern} has none; it moves the rows of super-resolve and alternating-lines`);
  const match = (expected === "X,Y" ? /^([01]),([01])$/ : /^()([01])$/).exec(text);
  if (!match) throw new InputError(`--phase: ${pattern} takes ${expected}, 0 or 1 each, got ${quoted(text)}`);
  return { x: Number(match[1]), y: Number(match[2]) };
}

/** The mask in black and white. */
function maskPicture({ width, height, data }: Mask, white: "fill" | "keep"): Picture {
  const picture = createPicture(width, height);
  data.forEach((value, i) => {
    const level = value >= 0.5 === (white === "keep") ? 255 : 0;
    picture.data.set([level, level, level, 255], 4 * i);
  });
  return picture;
}
