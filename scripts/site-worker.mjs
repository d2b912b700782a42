/**
 * The site's service worker: site/serviceWorker.js with the list of the site's files in it, which makes its version.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

const name = "serviceWorker.js";

/** @param root of the project @param outDir that has all other files of the site */
export async function writeServiceWorker(root, outDir) {
  const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
  const files = {};
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files[relative(outDir, path).replaceAll("\\", "/")] = digest(await readFile(path));
  }
  delete files[name];
  const list = JSON.stringify(Object.fromEntries(Object.entries(files).sort()), null, 1);
  const text = (await readFile(join(root, "site", name), "utf8"))
    .replace("__FILES__", list)
    .replace("__VERSION__", JSON.stringify(digest(list)));
  await writeFile(join(outDir, name), text);
}

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
