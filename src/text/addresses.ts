/** Addresses in words for people. */

/** The last part of an address's path, decoded, unless a % in it begins no code; "" where there is none. */
export function lastPart({ protocol, pathname }: URL): string {
  // These have no names.
  if (protocol === "data:" || protocol === "blob:") return "";
  const part = pathname.slice(pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
