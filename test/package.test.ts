/**
 * What the package promises its users, of the checkout's own build; the packed tarball is tried in
 * test/full/package.test.ts.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bundleSize } from "./support/bundle.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
};
/** Entry points that are modules, with the file of each. */
const entries = Object.entries(manifest.exports).flatMap(([name, target]) =>
  typeof target === "object" ? [{ name, ...target }] : [],
);
// Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node.
const cannotFork = /ld-linux/.test(process.execPath);

describe("the package's entry points", () => {
  test.each(entries)(
    "$name is there with its types, and everything it imports is a file beside it",
    ({ name, types, ...entry }) => {
      expect(existsSync(join(root, types))).toBe(true);
      // AVIF's decoder is optional, as WebGPU in Node is.
      const packages = name === "./node" ? ["webgpu", "@jsquash/avif/codec/dec/avif_dec.js"] : [];
      expect(strangers(entry.default).filter((path) => name !== "./node" || !path.startsWith("node:"))).toEqual(
        packages,
      );
    },
  );

  test("the worker imports files alone, too", () => {
    expect(strangers("dist/worker.js")).toEqual([]);
  });

  test.skipIf(cannotFork)("are imported by a Node without WebGPU, and `.` then says what is missing", async () => {
    const env = { ...process.env, REPAINT_ADAPTER: "voodoo2" };
    const code = `
      ${entries.map(({ name }) => `await import(${JSON.stringify(name.replace(/^\./, "repaint-webgpu"))});`).join("\n")}
      const { RePaint } = await import("repaint-webgpu");
      // As CommonJS does it, which takes modules that await nothing at their top.
      (await import("node:module")).createRequire(import.meta.url)("repaint-webgpu/node");
      for (const model of ["portraits64", "weights/portraits64.safetensors", "weights/none.safetensors"])
        console.log((await RePaint.load(model).catch((error) => error)).name);
      process.exit();`;
    const output = await new Promise((resolve) =>
      execFile(process.execPath, ["--input-type=module", "-e", code], { cwd: root, env }, (_, out, err) =>
        resolve(out + err),
      ),
    );
    expect(output).toBe("NoAdapterError\nNoAdapterError\nInputError\n");
  });

  test("only what runs in Node needs packages, two decoders as WebAssembly, opened by src/node/pictures/wasm.ts", () => {
    expect(Object.keys(manifest.dependencies)).toEqual(["@cwasm/jpeg-turbo", "@cwasm/webp"]);
    const opening = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
      (path) =>
        path.endsWith(".ts") && /"@cwasm|"@jsquash|new WebAssembly/.test(readFileSync(join(root, "src", path), "utf8")),
    );
    expect(opening.map((path) => path.replaceAll("\\", "/")).sort()).toEqual(
      ["avif.ts", "jpeg.ts", "wasm.ts", "webp.ts"].map((name) => `node/pictures/${name}`),
    );
  });
});

describe("sizes, minified and gzipped", () => {
  test("of `.`", async () => {
    const { bytes, apart } = await bundleSize(`export * from "/src/index.ts";`);
    expect(bytes).toBeLessThanOrEqual(60_000);
    // Read only for files of those kinds.
    expect(Object.keys(apart)).toEqual(expect.arrayContaining(["open", "openDiffusers", "urlLoad"]));
    // Comes while the weights do.
    expect(apart["inpaintJobs"]).toBeLessThanOrEqual(12_000);
  });

  test("of `./element`, with the worker apart", async () => {
    const { bytes, apart, modules } = await bundleSize(`export * from "/src/element/index.ts";`);
    expect(bytes).toBeLessThanOrEqual(90_000);
    expect(
      modules.filter((path) =>
        /^src\/(engine|shaders|operators|files|checkpoints(?!\/released\/(?:unets|releases)\.ts)|unet|sources)\//.test(
          path,
        ),
      ),
    ).toEqual([]);
    expect(Object.keys(apart)).toEqual(["imagenetClasses", expect.stringMatching(/worker/)]);
  });

  test("of the worker, which is one file", () => {
    const script = readFileSync(join(root, "dist/worker.js"));
    expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(115_000);
    // The client has ImageNet's names.
    expect(script.includes("goldfish")).toBe(false);
  });

  test("what is not used is left out", async () => {
    const { bytes, modules } = await bundleSize(`export { scheduleTimes } from "/src/index.ts";`);
    expect(modules).toEqual(expect.arrayContaining(["src/repaint/schedule.ts"]));
    expect(modules.filter((path) => path.startsWith("src/shaders/"))).toEqual([]);
    expect(bytes).toBeLessThanOrEqual(3000);
    const one = await bundleSize(`export { upsampleNearest } from "/src/shaders/index.ts";`);
    expect(one.modules).not.toContain("src/shaders/attention.ts");
  });
});

/** Specifiers reachable from a file of the build that are no file: a plain server cannot resolve them. */
function strangers(entry: string): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    if (!existsSync(path)) return void found.push(path);
    const code = readFileSync(path, "utf8").replace(/\/\*[^]*?\*\//g, "");
    // As the bundler writes them.
    for (const [, specifier] of code.matchAll(/^(?:import|export)\b(?: [^"`;]*? from)? "([^"]+)";$/gm))
      follow(specifier!, path);
    for (const [, specifier] of code.matchAll(/\bimport\("([^"]+)"\)/g)) follow(specifier!, path);
    for (const [, target] of code.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)) {
      const file = join(dirname(path), target!);
      if (!existsSync(file)) found.push(file);
      else if (file.endsWith(".js")) visit(file);
    }
  };
  const follow = (specifier: string, from: string): void => {
    if (specifier.startsWith(".")) visit(join(dirname(from), specifier));
    else found.push(specifier);
  };
  visit(join(root, entry));
  return found;
}
