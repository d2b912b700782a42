/**
 * Options are read once, by a command's parse; nothing is decided by the words of an error; a checkpoint is opened
 * once.
 */
import { readdirSync, readFileSync } from "node:fs";
import fs, { type FileHandle, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../src/cli/main.ts";
import { cli, folder } from "./support/cli.ts";
import { evaluationFolder } from "./support/evaluation.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";

interface Opened {
  readonly path: string;
  /** First byte and length of each read. */
  readonly reads: (readonly [number, number])[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .map((path) => `src/${path.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(root + path, "utf8") }));

describe("options", () => {
  const readers = sources.filter(({ text }) => /import [^;]*\bArguments\b[^;]*from/.test(text));

  it("are read in src/cli/given and in commands' parse only", () => {
    const rooms = new Set(readers.map(({ path }) => path.split("/").slice(0, 3).join("/")));
    expect([...rooms].sort()).toEqual(["src/cli/commands", "src/cli/given"]);
  });

  it("are taken by functions that parse or read, and kept by nothing", () => {
    expect(readers.length).toBeGreaterThan(10);
    for (const { path, text } of readers) {
      const takers = [...text.matchAll(/function (\w+)(?:<[^>]*>)?\(([^)]*)\)/g)].filter(([, , parameters]) =>
        /\bArguments\b/.test(parameters!),
      );
      const names = takers.map(([, name]) => name!);
      expect(names.filter((name) => !/^(parse$|read[A-Z])/.test(name), path)).toEqual([]);
      // Every mention is the import's or a parameter's.
      expect([path, text.match(/\bArguments\b/g)]).toEqual([path, Array(1 + names.length).fill("Arguments")]);
    }
  });
});

describe("a command's file", () => {
  const files = sources.filter(({ path }) => path.startsWith("src/cli/commands/"));

  it("has one command, which `main` knows, and reads: declaration, parse, run", () => {
    expect(files).toHaveLength(commands.length);
    for (const { path, text } of files) {
      const name = path.replace(/^.*\/|\.ts$/g, "");
      expect(text.match(/^export const \w+: Command\b/gm), path).toEqual([`export const ${name}Command: Command`]);
      expect(commands.map((command) => command.name)).toContain(name);
      const places = [
        /^export const \w+: Command\b/m,
        /^(async )?function parse\(|^  parse: /m,
        /^(async )?function run\(/m,
      ];
      const found = places.map((place) => text.search(place));
      expect([path, ...found]).toEqual([path, ...found.toSorted((a, b) => a - b)]);
      expect(found[0]).toBeGreaterThan(0);
    }
  });
});

describe("errors", () => {
  /** Those that Node, V8, Dawn and browsers give no field for, or that are only shortened to be shown. */
  const foreign: Readonly<Record<string, string>> = {
    "src/cli/main.ts": "V8's RangeError of an array that is too large",
    "src/engine/device.ts": "Dawn's context of a validation error is cut off",
    "src/node/adapter.ts": "the first line of a driver's error is shown",
    "src/node/pictures.ts": "a decoder's error is shown on one line",
    "src/sources/cacheGuard.ts": "how browsers and disks say that they are full",
  };

  it("of our own decide nothing by their words, and are not edited", () => {
    const touched =
      /message\s*\.(replace|replaceAll|startsWith|endsWith|includes|match|split|slice|indexOf|search)\(|\.(test|exec)\([^\n]*\.message\b|\.message (===|!==)/;
    const found = sources.filter(({ text }) => touched.test(text)).map(({ path }) => path);
    expect(found).toContain("src/cli/main.ts");
    expect(found.filter((path) => !Object.hasOwn(foreign, path))).toEqual([]);
  });
});

describe("a checkpoint", () => {
  const opened: Opened[] = [];
  const { open } = fs;
  // Modules are shared by all files of tests, so that a mock would come too late: Node's own function is replaced.
  const replaceOpen = (by: typeof open): void => {
    fs.open = by;
    syncBuiltinESMExports();
  };
  beforeAll(() => replaceOpen(async (path, flags) => counting(await open(path, flags), String(path), opened)));
  afterAll(() => replaceOpen(open));

  /** How often the file was opened, and how often its list of tensors, which begins after eight bytes, was read. */
  const counts = (path: string) => {
    const own = opened.filter((one) => one.path === path);
    const headers = own.flatMap(({ reads }) => reads).filter(([position]) => position === 8);
    return { opened: own.length, headers: headers.length };
  };

  it("of a network and of its classifier is opened once by `inpaint`, and its header read once", async () => {
    const { at, images, weights } = await evaluationFolder(1);
    const guide = join(at, "guide.safetensors");
    await writeFile(guide, tinyClassifier());
    const out = join(await folder(), "filled.png");
    const picture = join(images, "picture0.png");
    const options = ["--steps", "2", "--resamples", "1", "--classifier", guide, "--class", "1", "--tune", "off"];
    expect(await cli(["mask", "half", "--size", "12x12", "--out", join(at, "hole.png")])).toMatchObject({ status: 0 });
    const argv = ["inpaint", "--image", picture, "--fill", join(at, "hole.png"), "--weights", weights, "--out", out];
    expect(await cli([...argv, ...options])).toMatchObject({ status: 0 });
    expect(counts(weights)).toEqual({ opened: 1, headers: 1 });
    expect(counts(guide)).toEqual({ opened: 1, headers: 1 });
  });

  it.each(["inspect", "convert"])("is opened once by `%s`", async (command) => {
    const { at, weights } = await evaluationFolder(1);
    const out = command === "convert" ? [join(at, "out.safetensors")] : [];
    expect(await cli([command, weights, ...out])).toMatchObject({ status: 0 });
    expect(counts(weights)).toEqual({ opened: 1, headers: 1 });
  });
});

function counting(file: FileHandle, path: string, opened: Opened[]): FileHandle {
  const reads: (readonly [number, number])[] = [];
  opened.push({ path, reads });
  const read = file.read.bind(file) as (...all: unknown[]) => unknown;
  const counted = (bytes: Uint8Array, at: number, length: number, position: number) => {
    reads.push([position, length]);
    return read(bytes, at, length, position);
  };
  return Object.assign(file, { read: counted });
}
