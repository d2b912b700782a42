/**
 * Makes what tsc has written the package's dist: src comes to the top, bench brings the float64 twins that it checks
 * kernels against, and no import names a package, so that dist runs where nobody resolves names, such as a plain
 * <script type="module">: the one package that our sources import in a page is copied beside them, with its licence.
 */
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";

/** The first that fits says where a file goes. */
const places = [
  [/^src\//, ""],
  [/^test\//, "bench/test/"],
  [/^(?=bench\/)/, ""],
];

/** Of each package: the script that is imported, and what is copied. */
const vendored = { "wgsl-preprocessor": ["wgsl-preprocessor.js", "LICENSE"] };

/** @param root of the project, whose node_modules has the packages @param dist what tsc has written, arranged in place */
export async function arrange(root, dist) {
  const emitted = (await readdir(dist, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dist.length + 1)
        .replaceAll("\\", "/"),
    );
  const used = new Set();
  for (const path of emitted) {
    const place = placeOf(path);
    const text = await readFile(join(dist, path), "utf8");
    // Declarations keep the sources' extensions, which older compilers do not follow.
    const arranged = text.replace(/((?:from|import) "|import\(")([^"]+)(?=")/g, (_, before, specifier) => {
      if (!specifier.startsWith(".")) return before + vendorSpecifier(place, specifier, used);
      const target = posix.join(posix.dirname(path), specifier.replace(/(?<!\.d)\.ts$/, ".js"));
      return before + relative(place, placeOf(target));
    });
    await mkdir(dirname(join(dist, place)), { recursive: true });
    if (place !== path) await rename(join(dist, path), join(dist, place));
    if (arranged !== text) await writeFile(join(dist, place), arranged);
  }
  await mkdir(join(dist, "bench"), { recursive: true });
  await copyFile(join(root, "bench", "report.css"), join(dist, "bench", "report.css"));
  for (const folder of ["src", "test"]) await rm(join(dist, folder), { recursive: true, force: true });
  for (const name of used) {
    const folder = join(dist, "vendor", name);
    await mkdir(folder, { recursive: true });
    for (const file of vendored[name]) await copyFile(join(root, "node_modules", name, file), join(folder, file));
  }
}

function placeOf(path) {
  const [pattern, place] = places.find(([pattern]) => pattern.test(path)) ?? [];
  if (!pattern) throw new Error(`the build wrote ${path}, which has no place in dist`);
  return path.replace(pattern, place);
}

function vendorSpecifier(from, specifier, used) {
  const name = specifier.split("/")[0];
  const [script] = vendored[name] ?? [];
  if (specifier !== `${name}/${script}`) return specifier;
  used.add(name);
  return relative(from, `vendor/${name}/${script}`);
}

function relative(from, to) {
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
