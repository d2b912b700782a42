/** --detail: how far holes go that are larger than the network's pictures. */
import type { Detail } from "../../pictures/octaves.ts";
import type { Region } from "../../pictures/region.ts";
import { DETAILS } from "../../repaint/sampling.ts";
import type { Arguments, Option } from "../command.ts";

export const detailOption: Option = {
  name: "detail",
  value: DETAILS.join("|"),
  help: "of a hole larger than the network: fill it at the network's size and scale it up (default), or go on by tiles as far as the picture has detail, or to its full scale",
};

/** @throws InputError */
export function readDetail(given: Arguments): Detail {
  return given.choice(detailOption.name, DETAILS) ?? "model";
}

/** What is lost without it, where that is much; undefined where it is not. */
export function detailHint(image: string, regions: readonly Region[], side: number): string | undefined {
  const scale = Math.max(...regions.map(({ width }) => width / side));
  if (!(scale >= 2)) return undefined;
  return `${image}: what is filled is scaled up ${Number(scale.toPrecision(2))} times from the network's ${side}x${side}; --detail auto goes on to the picture's own scale.`;
}
