/**
 * Opens a file of tensors as the file of one network, under plain names. Not here: formats (src/files), which network
 * it is (checkpoint.ts).
 */
import type { ByteSource } from "../files/bytes.ts";
import { openTensors, type OpenTensors } from "../files/open.ts";
import { networkNames } from "./recognise.ts";

/**
 * The tensors of a network in a file of any format, without what training programs put around it; a file that holds
 * none keeps its names. Of several networks `network` names the one to take: "model", "ema", "ema.online_model".
 * @throws as `openTensors`, CheckpointError where no network is called so
 */
export async function openNetwork(source: ByteSource | OpenTensors, network?: string): Promise<OpenTensors> {
  const file = await openTensors(source, network);
  if (network !== undefined) return (await import("./wrapped.ts")).plainNetwork(file, network);
  for (const name of file.tensors.keys()) {
    // Most files hold their network alone.
    if (!networkNames.test(name)) return (await import("./wrapped.ts")).plainNetwork(file);
  }
  return file;
}
