/**
 * Suites of picture files, read by Node, by PIL and by Chromium: what the other two agree on, Node reads to the same
 * pixels. The suites are other people's and not part of this repository: REPAINT_PICTURE_SUITES names a folder with a
 * folder for each (PngSuite, libjpeg-turbo's testimages, image-rs', sharp's, Pillow's, libwebp's, …); the report is
 * printed, and written to the path in REPAINT_PICTURE_REPORT.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { appendFile, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../../src/errors.ts";
import { decodePicture, type FilePicture, toSrgb } from "../../src/node/pictures.ts";
import type { BrowserReading } from "../e2e/pictureReader.ts";
import { closeChromium, noChromium, runInChromium } from "../support/chromium.ts";
import { apart, readRaw, writeRaw } from "../support/rawPicture.ts";

const folder = process.env.REPAINT_PICTURE_SUITES;
const suites = folder ? readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
const isPicture = /\.(png|apng|jpe?g|jpe|jfif|mpo|webp|avif)$/i;
/** What is refused by name; its refusals are all that is looked at. */
const isOther = /\.(gif|bmp|tiff?|hei[cf]|jp2|j2k|jxl|svg|p[gnp]m)$/i;
/** Folders of files made to be broken: what a decoder makes of them is its own. */
const isBroken = /fuzz|crash|corrupt|regression/i;
/** Levels that decoders may be apart: of chroma's interpolation, of 16 bits rounded or cut off. */
const tolerance = 3;
/**
 * Of pictures that are kept by sRGB's curve (node/pictures/linearLight.ts) only what is shown can be compared. Chromium
 * makes 8 bits of gray ones first, so that their darkest level is this far from black.
 */
const firstLinearLevel = 13;

const python = ["python3", "/usr/bin/python3"].find((candidate) => {
  try {
    execFileSync(candidate, ["-c", "import numpy, PIL"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

interface Reading extends BrowserReading {
  readonly file: string;
  /** Why Node did not read it. */
  readonly refused: string | undefined;
  /** Its data are out of order and what a decoder makes of them is its own. */
  readonly isOdd: boolean;
  /** 16 bits a sample, with words about colours. */
  readonly isDeep: boolean;
  readonly pilRefused: string | undefined;
  readonly pilFromNode: number | undefined;
}

describe.skipIf(!folder || !python || noChromium)("suites of pictures (REPAINT_PICTURE_SUITES)", () => {
  afterAll(closeChromium);
  it.each(suites.map(({ name }) => name))(
    "%s",
    async (suite) => {
      const root = join(folder!, suite);
      const all = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
      const files = all.filter((name) => isPicture.test(name));
      const readings = await readAll(files.map((name) => join(root, name)));
      const report = reportOf(suite, root, readings);
      const others = all.filter((name) => isOther.test(name));
      for (const name of others) {
        const reading = await readByNode(join(root, name));
        // Some of them are PNGs or JPEGs by another name.
        if (reading instanceof InputError) expect(reading.message).toMatch(/^it (is|says it is|has) /);
      }
      console.log(`${report}\nother formats: ${others.length} files, read or refused in a line`);
      if (process.env.REPAINT_PICTURE_REPORT) await appendFile(process.env.REPAINT_PICTURE_REPORT, `${report}\n`);
      expect(readings.length).toBe(files.length);
      expect(readings.filter(disagrees).map(({ file }) => relative(root, file))).toEqual([]);
    },
    3_600_000,
  );
});

/** What the two others read alike, and Node not at all or otherwise. */
function disagrees({ file, isOdd, isDeep, pil, node, pilFromNode, srgb }: Reading): boolean {
  if (pil === undefined || pil > tolerance || isOdd || isBroken.test(file)) return false;
  if (isDeep) return srgb === undefined || srgb > firstLinearLevel;
  return node === undefined || pilFromNode === undefined || Math.max(node, pilFromNode) > tolerance;
}

async function readAll(paths: readonly string[]): Promise<Reading[]> {
  const exchange = await mkdtemp(join(tmpdir(), "repaint-suites-"));
  const pil = spawn(python!, [fileURLToPath(new URL("../support/pilReader.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ask = asker(pil);
  const ours: Omit<Reading, keyof BrowserReading>[] = [];
  const prepare = async (index: number): Promise<void> => {
    const at = (reader: string, i = index) => join(exchange, `${i}.${reader}`);
    for (const reader of ["file", "node", "srgb", "pil"]) await rm(at(reader, index - 1), { force: true });
    const path = paths[index]!;
    await copyFile(path, at("file"));
    const picture = await readByNode(path);
    const refused = picture instanceof InputError ? picture.message : undefined;
    if (!(picture instanceof InputError)) {
      await writeFile(at("node"), writeRaw(picture));
      await writeFile(at("srgb"), writeRaw(toSrgb(picture, picture.colours)));
    }
    const pilRefused = await ask(`${path}\t${at("pil")}`);
    const pilFromNode =
      refused || pilRefused
        ? undefined
        : apart(readRaw(await readFile(at("node"))), readRaw(await readFile(at("pil"))));
    const isRead = !(picture instanceof InputError);
    const isOdd = isRead && picture.remark !== undefined;
    const isDeep = isRead && picture.colours !== undefined && (await isDeepPng(path));
    ours.push({ file: path, refused, isOdd, isDeep, pilRefused, pilFromNode });
  };
  try {
    const functions = { prepare };
    const folders = { "/read/": exchange };
    const page = await runInChromium<BrowserReading[]>("test/e2e/pictureReader.ts", paths.length, {
      functions,
      folders,
    });
    return ours.map((own, i) => Object.assign({}, own, page[i]));
  } finally {
    pil.stdin.end();
    await rm(exchange, { recursive: true });
  }
}

const isDeepPng = async (path: string): Promise<boolean> => /\.a?png$/i.test(path) && (await readFile(path))[24] === 16;

/** Anything but a picture or an InputError of one line is a failure of the test. */
async function readByNode(path: string): Promise<FilePicture | InputError> {
  try {
    return await decodePicture(await readFile(path), "it");
  } catch (error) {
    if (!(error instanceof InputError) || error.message.includes("\n")) throw error;
    return error;
  }
}

/** Asks the program a line at a time; resolves to why it refused. */
function asker(program: ChildProcess): (line: string) => Promise<string | undefined> {
  const lines = createInterface({ input: program.stdout! })[Symbol.asyncIterator]();
  return async (line) => {
    program.stdin!.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`Python ended at ${line}`);
    const answer = JSON.parse(value) as { read: boolean; reason?: string };
    return answer.read ? undefined : (answer.reason ?? "no reason");
  };
}

function reportOf(suite: string, root: string, readings: readonly Reading[]): string {
  const count = (test: (reading: Reading) => boolean): number => readings.filter(test).length;
  const far = (levels: number | undefined): boolean => levels !== undefined && levels > tolerance;
  const read = count(({ refused }) => !refused);
  const names = [...new Set(readings.map(({ file }) => extname(file).toLowerCase()))].sort();
  const lines = [
    `## ${suite}: ${readings.length} files (${names.join(" ")})`,
    `read by Node ${read}, PIL ${count(({ pilRefused }) => !pilRefused)}, Chromium ${count(({ reason }) => !reason)}`,
    `more than ${tolerance} levels apart: Node and PIL ${count(({ pilFromNode }) => far(pilFromNode))} of ${count(({ pilFromNode }) => pilFromNode !== undefined)}, Node and Chromium ${count(({ node }) => far(node))} of ${count(({ node }) => node !== undefined)}, both in sRGB ${count(({ srgb }) => far(srgb))}`,
  ];
  for (const reading of readings) {
    const { file, refused, pilRefused, reason, pilFromNode, node, pil, srgb } = reading;
    const mark = disagrees(reading) ? "  << the others agree" : "";
    const others = `PIL ${pilRefused ?? "reads it"}; Chromium ${reason ?? "reads it"}`;
    if (refused) lines.push(`refused  ${relative(root, file)}: ${refused} | ${others}${mark}`);
    else if (far(pilFromNode) || far(node) || far(srgb) || (pilRefused && reason)) {
      const levels = [pilFromNode, node, srgb, pil].map((value) => value?.toFixed(0) ?? "-").join(" ");
      lines.push(
        `differs  ${relative(root, file)}: PIL–Node, Chromium–Node, in sRGB, PIL–Chromium ${levels} | ${others}${mark}`,
      );
    }
  }
  return lines.join("\n");
}
