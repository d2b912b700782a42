/** The options that say what an evaluation is to do. Not here: the same as a JSON file (evaluation/planFile.ts). */
import { InputError } from "../../errors.ts";
import { MASK_PATTERNS } from "../../pictures/masks.ts";
import type { Arguments, Option } from "../command.ts";
import { requestFromFile } from "../evaluation/planFile.ts";
import { completeRequest, type EvaluationRequest } from "../evaluation/request.ts";
import { masksFromWords, settingFromWords } from "../evaluation/words.ts";
import { readSeeds } from "./settings.ts";

const planOption: Option = {
  name: "plan",
  value: "F",
  help: "JSON file that says the following six (docs/evaluate.md)",
};

const partOptions: readonly Option[] = [
  { name: "image", value: "F", repeat: true, help: "picture (PNG or JPEG), or a folder of pictures" },
  {
    name: "mask",
    value: "KIND[:SEED]",
    repeat: true,
    help: `${Object.keys(MASK_PATTERNS).join(", ")}, or all; every picture gets its own strokes`,
  },
  { name: "fill", value: "F", help: "mask picture or folder of masks, white where it is to be filled" },
  { name: "keep", value: "F", help: "the other way round: white where the picture is known" },
  {
    name: "setting",
    value: "[NAME:]WORDS",
    repeat: true,
    help: 'preset and inpaint\'s options with commas: "fast", "long:steps=100,jump-length=10,resamples=5,strategy=sdedit" (default fast)',
  },
  { name: "seed", value: "N", help: "the first seed (default 0)" },
  { name: "count", value: "N", help: "results of each picture, with the seeds seed, seed+1, … (default 1)" },
];

export const requestOptions: readonly Option[] = [planOption, ...partOptions];

/** @throws InputError */
export async function readRequest(given: Arguments): Promise<EvaluationRequest> {
  const path = given.text("plan");
  if (path !== undefined) {
    const both = partOptions.find(({ name }) => given.has(name));
    if (both) throw new InputError(`--plan says what to evaluate, and --${both.name} does, too: give one of them`);
    return requestFromFile(path);
  }
  return completeRequest({
    images: given.all("image"),
    masks: given.all("mask").flatMap(masksFromWords),
    fill: given.text("fill"),
    keep: given.text("keep"),
    settings: given.all("setting").map(settingFromWords),
    seeds: readSeeds(given),
  });
}
