/** A small JSON file that stands beside another on its server. Not here: what it says. */
import { InputError } from "../errors.ts";
import { HttpFile, type HttpOptions } from "./http.ts";
import { parseUrl } from "./httpHeaders.ts";
import { NotFoundError } from "./httpWords.ts";

/** Nobody's configuration is longer. */
const mostBytes = 1 << 20;

/** Undefined where there is none, or no JSON. @throws InputError where the server cannot be asked */
export async function jsonBeside(address: string | URL, name: string, options: HttpOptions = {}): Promise<unknown> {
  const file = new HttpFile(addressBeside(address, name), options);
  const bytes = await readStart(file);
  try {
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as unknown);
  } catch {
    return undefined;
  }
}

/** What is signed or authorised in a query is mostly so for the whole folder. */
export function addressBeside(address: string | URL, name: string): URL {
  const url = parseUrl(address);
  const beside = new URL(name, url);
  beside.search = url.search;
  return beside;
}

async function readStart(file: HttpFile): Promise<Uint8Array | undefined> {
  let started: Awaited<ReturnType<HttpFile["start"]>>;
  try {
    started = await file.start(mostBytes);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
  if ("first" in started) return started.first;
  const bytes = new Uint8Array(mostBytes);
  let length = 0;
  await file.stream(started.whole, (part) => {
    if (length + part.length > mostBytes) throw new InputError(`${file.name}: expected at most 1 MiB of JSON`);
    bytes.set(part, length);
    length += part.length;
    return Promise.resolve();
  });
  return bytes.subarray(0, length);
}
