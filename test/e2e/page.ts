/** What the test page loads first: it runs an entry module's `run` with an argument that came as text. */
import { decode, encode } from "../support/wire.ts";

declare global {
  var runEntry: (url: string, argument: string) => Promise<string>;
}

globalThis.runEntry = async (url, argument) => {
  const entry = (await import(/* @vite-ignore */ url)) as { run: (argument: unknown) => unknown };
  return encode(await entry.run(decode(argument)));
};
