/** What a user or a file said, as it may stand in a message: on one line, and never long. */

const most = 100;
const cut = (text: string) => (text.length > most ? `${text.slice(0, most)}…` : text);

/** Text in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(cut(text));
}

/** Any value: text in quotes, objects as JSON, "nothing" where there is none. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value === undefined) return "nothing";
  return cut(typeof value === "object" ? JSON.stringify(value) : String(value));
}
