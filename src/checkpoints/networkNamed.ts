/** Of several networks in a file the one that is asked for. Apart from wrapped.ts, since pages ask for none. */
import { CheckpointError } from "../errors.ts";
import type { OpenTensors } from "../files/open.ts";
import { topLevel } from "../files/pytorch/stateDict.ts";
import { quoted } from "../text/quoted.ts";

const mostListed = 8;

/** A name may leave out what stands before it in the file. @throws CheckpointError that lists the names */
export function networkNamed<Network extends { readonly name: string }>(
  { name: file, place }: OpenTensors,
  all: readonly Network[],
  wanted: string,
): Network {
  const { path = "", others = [] } = place ?? {};
  const whole = ({ name }: Network) => [path, name === topLevel ? "" : name].filter(Boolean).join(".") || topLevel;
  const found =
    all.find((network) => whole(network) === wanted) ??
    all.find((network) => `.${whole(network)}`.endsWith(`.${wanted}`));
  if (found) return found;
  const names = [...all.map(whole), ...others.map((other) => other || topLevel)];
  throw new CheckpointError(
    `${file}: it has no network ${quoted(wanted)}${names.length > 0 ? `, but ${names.slice(0, mostListed).map(quoted).join(", ")}${names.length > mostListed ? ", …" : ""}` : " nor any other"}`,
  );
}
