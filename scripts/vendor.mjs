/**
 * Makes dist run where nobody resolves package names, such as a plain <script type="module">: the one package that our
 * sources import in a page is copied beside them, with its licence, and imports name the copy.
 */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

const vendored = { "wgsl-preprocessor/wgsl-preprocessor.js": ["wgsl-preprocessor.js", "LICENSE"] };

/** @param root of the project, whose node_modules has the packages @param dist what tsc has written */
export async function vendor(root, dist) {
  const scripts = (await readdir(dist, { recursive: true })).filter((path) => path.endsWith(".js"));
  for (const [specifier, files] of Object.entries(vendored)) {
    const name = specifier.split("/")[0];
    const folder = join(dist, "vendor", name);
    for (const script of scripts) {
      const text = await readFile(join(dist, script), "utf8");
      if (!text.includes(`"${specifier}"`)) continue;
      await mkdir(folder, { recursive: true });
      for (const file of files) await copyFile(join(root, "node_modules", name, file), join(folder, file));
      const target = relative(join(dist, script, ".."), join(folder, files[0])).replaceAll("\\", "/");
      await writeFile(join(dist, script), text.replaceAll(`"${specifier}"`, `"${target}"`));
    }
  }
}
