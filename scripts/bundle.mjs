/**
 * Makes the package's dist: a few ES modules in one folder, none of which imports a package that a page does not
 * have; and declarations in dist/types. `node scripts/bundle.mjs FOLDER` is what setup.mjs runs.
 *
 * One folder, so that `new URL("./worker.js", import.meta.url)` is right from whichever file the code ends up in. The
 * worker is one file without imports: the only form that every bundler copies or bundles alike. rolldown does it, since
 * Vite brings it anyway, it reads TypeScript, and it leaves `new URL` as it stands, which Vite's library mode does not.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, posix, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import { arrangeDeclarations } from "./declarations.mjs";
import { frameworkDeclarations } from "./frameworks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The files of dist that somebody imports. The order is that of the layers: what several of them share goes into the
 * chunk of the first that has it, so that a page that wants only the first downloads nothing of the others.
 */
export const entries = {
  client: "src/element/client.ts",
  element: "src/element/index.ts",
  index: "src/index.ts",
  engine: "src/engine/index.ts",
  shaders: "src/shaders/index.ts",
  operators: "src/operators/index.ts",
  evaluate: "src/evaluate/index.ts",
  bench: "bench/index.ts",
  node: "src/node/index.ts",
  "index-node": "src/indexNode.ts",
  cli: "src/cli/main.ts",
};

/** Whose evaluation does something: package.json's `sideEffects`. */
const effective = ["src/element/index.ts", "src/element/worker.ts", "src/indexNode.ts"];

/**
 * What the worker never comes to, with its exports: the client has the names of classes, and sends pixels and keep
 * masks; nobody asks it for one of several networks, or gives it a budget to time kernels with.
 */
const notInWorker = {
  "src/checkpoints/networkNamed.ts": ["networkNamed"],
  "src/checkpoints/released/findClass.ts": ["findClass"],
  "src/checkpoints/released/imagenetClasses.ts": ["imagenetClasses"],
  "src/engine/timing.ts": ["median", "timeExecutor"],
  "src/pictures/drawn.ts": ["drawnPicture"],
  "src/pictures/keepMask.ts": ["keepMask"],
};

/** Licences of what is bundled from other packages. */
const bundledLicences = { "wgsl-preprocessor": "LICENSE" };

const { dependencies, peerDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const packages = Object.keys(Object.assign({}, dependencies, peerDependencies));
const shared = {
  cwd: root,
  platform: "neutral",
  // What one entry loads on demand another one may export.
  checks: { ineffectiveDynamicImport: false },
  external: [/^node:/, ...packages.map((name) => new RegExp(`^${name}(/|$)`))],
  plugins: [
    { name: "compact styles", transform: { filter: { code: "/* css */" }, handler: withCompactStyles } },
    { name: "package form", transform: { filter: { id: /(?<!\.d)\.ts$/ }, handler: toPackageForm } },
  ],
};
const output = {
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
};

/** Without type checks. */
async function declare(folder) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", folder], { cwd: root });
  const { cli: _, ...typed } = entries;
  await arrangeDeclarations(folder, [...Object.values(typed), "src/element/worker.ts"]);
  const manifest = JSON.parse(await readFile(join(root, "custom-elements.json"), "utf8"));
  for (const [name, text] of Object.entries(frameworkDeclarations(manifest)))
    await writeFile(join(folder, `${name}.d.ts`), text);
}

/** @param dist the folder, made where it is missing */
async function bundle(dist) {
  const input = Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)]));
  const library = await rolldown(Object.assign({ input, preserveEntrySignatures: "allow-extension" }, shared));
  await library.write(
    Object.assign({ dir: dist, codeSplitting: { groups: groups(), includeDependenciesRecursively: false } }, output),
  );
  const atOnce = { name: "all at once", transform: { filter: { code: "import(" }, handler: withoutDynamicImports } };
  const compact = { name: "compact shaders", transform: { filter: { code: "wgsl`" }, handler: withCompactShaders } };
  const leftOut = { name: "not in the worker", load: leftOutOfWorker };
  const forWorker = {
    input: { worker: join(root, "src/element/worker.ts") },
    plugins: [leftOut, ...shared.plugins, atOnce, compact],
  };
  const worker = await rolldown(Object.assign({}, shared, forWorker));
  // Nothing shakes a file without exports: annotations for that are left out.
  const inOne = { dir: dist, codeSplitting: false, minify: true, comments: { annotation: false } };
  await worker.write(Object.assign(inOne, output));
  await copyFile(join(root, "bench/report.css"), join(dist, "report.css"));
  for (const [name, file] of Object.entries(bundledLicences)) {
    await mkdir(join(dist, "licences"), { recursive: true });
    await copyFile(join(root, "node_modules", name, file), join(dist, "licences", `${name}.txt`));
  }
}

/**
 * Which modules stand in one file: those of one folder that the same entries of `layers` reach; what the client or the
 * element reach, in one file for each. What loads something on demand stays apart, since most bundlers keep all that a
 * file loads if they keep any of it.
 */
function groups() {
  let found;
  const chunkOf = (id, context) => (found ??= chunks(context)).get(id) ?? null;
  const ofPages = pageLayers.map((layer, index) => ({
    name: (id, context) => (chunkOf(id, context) === `${layer}-parts` ? `${layer}-parts` : null),
    debugName: layer,
    priority: pageLayers.length - index,
  }));
  return [...ofPages, { name: chunkOf, debugName: "folders" }];
}

const pageLayers = ["client", "element"];

function chunks(context) {
  const reachedBy = new Map();
  for (const [name, path] of Object.entries(entries)) {
    const visit = (id) => {
      const names = reachedBy.get(id) ?? [];
      const info = names.at(-1) === name ? undefined : context.getModuleInfo(id);
      if (!info || info.isExternal) return;
      reachedBy.set(id, [...names, name]);
      info.importedIds.forEach(visit);
    };
    visit(join(root, path));
  }
  const loadedLater = reachedOnDemand(reachedBy, context);
  const shared = [...reachedBy].filter(([id, [first, ...others]]) =>
    programs.includes(first) ? others.length > 0 || loadedLater.has(id) : others.length > 0,
  );
  return new Map(shared.map(([id, names]) => [id, chunkOf(id, names, context.getModuleInfo(id))]));
}

/** Whose files import what only Node has. */
const programs = ["node", "index-node", "cli"];

/**
 * Modules that others than programs load on demand, with all that these import: they must not end up in a program's
 * file.
 */
function reachedOnDemand(reachedBy, context) {
  const found = new Set();
  const visit = (id) => {
    const info = found.has(id) ? undefined : context.getModuleInfo(id);
    if (!info || info.isExternal) return;
    found.add(id);
    [...info.importedIds, ...info.dynamicallyImportedIds].forEach(visit);
  };
  for (const [id, [first]] of reachedBy)
    if (!programs.includes(first)) context.getModuleInfo(id).dynamicallyImportedIds.forEach(visit);
  return found;
}

function chunkOf(id, names, { dynamicallyImportedIds }) {
  const page = pageLayers.find((layer) => names.includes(layer));
  if (page) return `${page}-parts`;
  if (dynamicallyImportedIds.length > 0) return null;
  const [top, next] = relative(root, id).replaceAll("\\", "/").split("/");
  const folder = top === "src" ? next.replace(/\.ts$/, "") : top === "node_modules" ? "engine" : "bench";
  const [ofAll, ofKernels] = ["index", "shaders"].map((entry) => names.includes(entry));
  return `${folder}-${ofAll && ofKernels ? "base" : ofAll ? "parts" : "more"}`;
}

/** What a module must be in a package: addresses from dist, and constants that a bundler may leave out. */
function toPackageForm(code, id) {
  const path = relative(root, id).replaceAll("\\", "/");
  const addressed = code.replace(
    /new URL\(\s*"(\.[^"]*)",\s*import\.meta\.url\s*\)/g,
    (_, target) => `new URL("${addressFromDist(posix.join(posix.dirname(path), target))}", import.meta.url)`,
  );
  return { code: effective.includes(path) ? addressed : withPureConstants(addressed), map: null };
}

/** Of a file of the project: the worker and the style sheet stand in dist, everything else where it is. */
function addressFromDist(path) {
  const inDist = { "src/element/worker.js": "worker.js", "bench/report.css": "report.css" };
  return inDist[path] ? `./${inDist[path]}` : posix.join("..", path);
}

/**
 * Marks what top-level constants call as free of side effects, as package.json's `sideEffects` says of their modules:
 * in a chunk of many modules a bundler can leave out single constants only.
 */
function withPureConstants(code) {
  const declarations = parseAst(code, { lang: "ts" })
    .body.map((node) => (node.type === "ExportNamedDeclaration" ? node.declaration : node))
    .filter((node) => node?.type === "VariableDeclaration" && !node.declare)
    .flatMap((node) => node.declarations)
    .filter(({ id, init }) => id.type === "Identifier" && init && calls(init));
  let result = code;
  for (const { init } of declarations.reverse()) {
    const [before, value, after] = [
      result.slice(0, init.start),
      code.slice(init.start, init.end),
      result.slice(init.end),
    ];
    result = `${before}/* @__PURE__ */ (() => ${value.startsWith("{") ? `(${value})` : value})()${after}`;
  }
  return result;
}

/**
 * In a single file nothing is loaded later, and modules need not be wrapped to begin later: test/imports.test.ts
 * forbids circles. Only the names that are taken of a module are imported, so that the others can be left out.
 */
function withoutDynamicImports(code) {
  const imports = [];
  const later = (path, names) => {
    const own = names.map((name) => [name, `later${imports.length}${name}`]);
    imports.push(`import { ${own.map(([name, as]) => `${name} as ${as}`).join(", ")} } from "${path}";`);
    return `Promise.resolve({ ${own.map(([name, as]) => `${name}: ${as}`).join(", ")} })`;
  };
  const replaced = code
    .replace(
      /const \{ ([\w, ]+) \} = await import\("(\.[^"]+)"\)/g,
      (_, names, path) => `const { ${names} } = await ${later(path, names.split(", "))}`,
    )
    .replace(/\(await import\("(\.[^"]+)"\)\)\.(\w+)/g, (_, path, name) => `(await ${later(path, [name])}).${name}`)
    .replace(/(?<!typeof )\bimport\("(\.[^"]+)"\)/g, (_, path) => {
      imports.push(`import * as later${imports.length} from "${path}";`);
      return `Promise.resolve(later${imports.length - 1})`;
    });
  return { code: `${replaced}\n${imports.join("\n")}`, map: null };
}

/** CSS without comments and the spaces that it does not need; none of its strings holds such signs. */
function withCompactStyles(code) {
  const compact = (text) =>
    text
      .replace(/\/\*[^]*?\*\//g, "")
      .replace(/\s*([{};,])\s*/g, "$1")
      .replace(/;\}/g, "}")
      .replace(/: /g, ":")
      .replace(/ > /g, ">")
      .replace(/(?<![\d.])0(?=\.\d)/g, "");
  return { code: code.replace(/(?<=\/\* css \*\/ )`[^`]*`/g, compact), map: null };
}

/** WGSL without comments, indentation and spaces around signs, which a minifier leaves in its templates. */
function withCompactShaders(code) {
  const texts = [];
  const collect = (node) => {
    if (Array.isArray(node)) return node.forEach(collect);
    if (!node || typeof node !== "object") return;
    if (node.type === "TaggedTemplateExpression" && node.tag.name === "wgsl") texts.push(...node.quasi.quasis);
    Object.values(node).forEach(collect);
  };
  collect(parseAst(code, { lang: "ts" }).body);
  let result = code;
  for (const { start, end } of texts.sort((a, b) => b.start - a.start)) {
    const text = code
      .slice(start, end)
      .replace(/\/\*[^]*?\*\//g, "")
      .replace(/\/\/[^\n`]*(?=\n)/g, "")
      .replace(/\s*\n\s*/g, "\n")
      .replace(/ ([=*<>]|[=<>+]=|&&|\|\|) /g, "$1")
      .replace(/ ([-+/%]) (?=[\w(])/g, "$1")
      .replace(/([,:;]) /g, "$1");
    result = result.slice(0, start) + text + result.slice(end);
  }
  return { code: result, map: null };
}

/** What stands in the place of a module that the worker never comes to. */
function leftOutOfWorker(id) {
  const path = relative(root, id).replaceAll("\\", "/");
  const stub = (name) => `export const ${name} = () => { throw new Error("${path} is not in the worker"); };`;
  return notInWorker[path]?.map(stub).join("\n");
}

/** Whether evaluating the node runs a function, at once. */
function calls(node) {
  if (Array.isArray(node)) return node.some(calls);
  if (!node || typeof node !== "object" || /Function|^TS/.test(node.type ?? "")) {
    if (!/^TS(As|Satisfies|NonNull)/.test(node?.type ?? "")) return false;
    return calls(node.expression);
  }
  if (["CallExpression", "NewExpression", "TaggedTemplateExpression"].includes(node.type)) return true;
  return Object.entries(node).some(([key, value]) => key !== "parent" && calls(value));
}

const dist = resolve(process.argv[2]);
await Promise.all([bundle(dist), declare(join(dist, "types"))]);
