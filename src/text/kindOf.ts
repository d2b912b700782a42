/** What somebody gave instead of what was expected. */

/** For messages: "a string", "undefined", "an HTMLImageElement", "a promise (await it first)". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = typeof value === "object" ? (value.constructor?.name ?? "Object") : typeof value;
  if (name === "Promise") return "a promise (await it first)";
  return name === "Object" ? "an object without them" : `${/^[AEIOH]/i.test(name) ? "an" : "a"} ${name}`;
}
