/** How the command line logs in where a model's server asks for it. Not here: what is asked (src/sources/http.ts). */
import { InputError } from "../../errors.ts";
import type { HttpOptions } from "../../sources/http.ts";

/** In the environment, and not among the options, which every user of a machine can list. */
const variable = "REPAINT_TOKEN";

/**
 * The token of the environment for an address, by https or to this machine alone; a redirect to another site goes
 * without it. It is never printed. @throws InputError for what cannot be one
 */
export function accessTo(address: string): Pick<HttpOptions, "headers" | "login"> {
  const token = process.env[variable];
  if (!token) return { login: `set ${variable} to an access token` };
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new InputError(`${variable}: expected an access token, without spaces or line breaks in it`);
  const { protocol, hostname } = new URL(address);
  if (protocol !== "https:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))
    return { login: `${variable} is sent by https alone: give an address by https` };
  return { headers: { authorization: `Bearer ${token}` }, login: `the token of ${variable} is not enough` };
}
