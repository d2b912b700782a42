/** Archives in the cache: several processes at once, damage, hostile tars. */
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tarEntries, unpackOnce } from "../src/node/unpack.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "repaint-unpack-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One entry of a ustar archive, without the checksum, which the reader leaves alone. */
function tarEntry(name: string, data: Uint8Array, kind = "0", size = data.length): Uint8Array {
  const entry = new Uint8Array(512 + Math.ceil(data.length / 512) * 512);
  const put = (text: string, at: number): void => entry.set(new TextEncoder().encode(text), at);
  put(name, 0);
  put("0000755", 100);
  put(size.toString(8).padStart(11, "0"), 124);
  put(kind, 156);
  put("ustar", 257);
  entry.set(data, 512);
  return entry;
}

function tarOf(...entries: Uint8Array[]): Uint8Array {
  return Buffer.concat([...entries, new Uint8Array(1024)]);
}

const libraries = { "lib/one.so": new Uint8Array(70_000).fill(7), "two.json": new TextEncoder().encode("{}") };

const compress = (data: Uint8Array): Uint8Array =>
  brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });

async function archives(): Promise<{ path: string; program?: string }[]> {
  const tar = tarOf(
    tarEntry("lib/", new Uint8Array(), "5"),
    ...Object.entries(libraries).map(([name, data]) => tarEntry(name, data)),
  );
  await writeFile(join(folder, "libraries.tar.br"), compress(tar));
  await writeFile(join(folder, "program.br"), compress(new Uint8Array(300_000).fill(9)));
  return [{ path: join(folder, "libraries.tar.br") }, { path: join(folder, "program.br"), program: "program" }];
}

async function expectComplete(unpacked: string): Promise<void> {
  for (const [name, data] of Object.entries(libraries))
    expect(new Uint8Array(await readFile(join(unpacked, name)))).toEqual(data);
  expect((await readFile(join(unpacked, "program"))).equals(Buffer.alloc(300_000, 9))).toBe(true);
  expect((await stat(join(unpacked, "program"))).mode & 0o111).not.toBe(0);
  expect((await readdir(join(folder, "cache"))).filter((name) => /part|broken/.test(name))).toEqual([]);
}

const unpack = async (): Promise<string> => unpackOnce("thing-1.0", await archives(), join(folder, "cache"));

test("many at once make one complete folder", async () => {
  const list = await archives();
  const all = await Promise.all(Array.from({ length: 8 }, () => unpackOnce("thing-1.0", list, join(folder, "cache"))));
  expect(new Set(all).size).toBe(1);
  await expectComplete(all[0] ?? "");
});

test("what is complete is left alone", async () => {
  const unpacked = await unpack();
  const before = await stat(join(unpacked, "two.json"));
  await rm(join(folder, "program.br"));
  expect(await unpackOnce("thing-1.0", [{ path: join(folder, "gone") }], join(folder, "cache"))).toBe(unpacked);
  expect((await stat(join(unpacked, "two.json"))).mtimeMs).toBe(before.mtimeMs);
});

describe("damage is repaired", () => {
  test.each<[string, (unpacked: string) => Promise<unknown>]>([
    ["a missing file", (unpacked) => rm(join(unpacked, "two.json"))],
    ["a truncated file", (unpacked) => truncate(join(unpacked, "lib/one.so"), 100)],
    ["other bytes of the same length", (unpacked) => writeFile(join(unpacked, "program"), Buffer.alloc(300_000, 8))],
    ["no manifest", (unpacked) => rm(join(unpacked, "unpacked.json"))],
    ["half a manifest", (unpacked) => truncate(join(unpacked, "unpacked.json"), 20)],
    ["an empty manifest", (unpacked) => writeFile(join(unpacked, "unpacked.json"), "{}")],
    [
      "a file in place of the folder",
      async (unpacked) => {
        await rm(unpacked, { recursive: true });
        await writeFile(unpacked, "not a folder");
      },
    ],
  ])("%s", async (_, damage) => {
    await damage(await unpack());
    await expectComplete(await unpack());
  });
});

test("a damaged archive leaves nothing behind", async () => {
  const [tar, program] = await archives();
  await truncate(tar?.path ?? "", 30);
  await expect(
    unpackOnce(
      "thing-1.0",
      [program, tar].filter((one) => one !== undefined),
      join(folder, "cache"),
    ),
  ).rejects.toThrow();
  expect(await readdir(join(folder, "cache"))).toEqual([]);
});

test("leftovers of killed processes go after an hour, younger ones stay", async () => {
  const [old, young] = await Promise.all(["old", "new"].map((name) => mkdtemp(join(folder, `thing-1.0.part-${name}`))));
  const twoHoursAgo = new Date(Date.now() - 7_200_000);
  await utimes(old ?? "", twoHoursAgo, twoHoursAgo);
  await unpackOnce("thing-1.0", await archives(), folder);
  await expect(stat(old ?? "")).rejects.toThrow("ENOENT");
  await expect(stat(young ?? "")).resolves.toBeDefined();
});

describe("a hostile tar is refused", () => {
  const data = new Uint8Array(10);
  test.each<[string, Uint8Array, RegExp]>([
    ["out of the folder", tarOf(tarEntry("../x", data)), /leaves the folder/],
    ["an absolute name", tarOf(tarEntry("/etc/x", data)), /leaves the folder/],
    ["a symbolic link", tarOf(tarEntry("x", new Uint8Array(), "2")), /neither a file nor a folder/],
    ["a size beyond the end", tarOf(tarEntry("x", data, "0", 1e6)), /truncated/],
  ])("%s", (_, tar, message) => {
    expect(() => [...tarEntries(tar)]).toThrow(message);
  });

  test("any bytes end in entries or in an error, quickly", () => {
    const tar = tarOf(tarEntry("a", data), tarEntry("b", data));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.nat(tar.length),
        (edits, length) => {
          const damaged = tar.slice(0, length);
          for (const [at, value] of edits) if (at < length) damaged[at] = value;
          try {
            for (const entry of tarEntries(damaged)) expect(entry.data.length).toBeLessThanOrEqual(length);
          } catch (error) {
            expect((error as Error).message).toMatch(/truncated|leaves the folder|neither a file/);
          }
        },
      ),
    );
  });
});
