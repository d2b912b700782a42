/** Output files: whole or not there, never overwritten by accident, nothing left behind. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ensureFolder, refuseOutput, writeFileAtomic } from "../src/node/files.ts";
import { refusal } from "./support/pictures.ts";

const root = mkdtempSync(join(tmpdir(), "repaint-files-"));
let folder = root;
let count = 0;
beforeEach(async () => {
  folder = join(root, String(count++));
  await mkdir(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("writeFileAtomic", () => {
  const bytes = Buffer.from("content");

  it("writes, refuses to overwrite, and overwrites with force; nothing else stays in the folder", async () => {
    const path = join(folder, "out.png");
    await writeFileAtomic(path, Buffer.from("first"));
    expect(await refusal(() => writeFileAtomic(path, bytes))).toMatch(/out\.png exists; use --force to overwrite/);
    expect(readFileSync(path, "utf8")).toBe("first");
    await writeFileAtomic(path, bytes, { force: true });
    expect(readFileSync(path, "utf8")).toBe("content");
    expect(readdirSync(folder)).toEqual(["out.png"]);
  });

  it("lets one of two writers win where both find the name free", async () => {
    const path = join(folder, "out.png");
    const writers = Array.from({ length: 8 }, (_, i) => writeFileAtomic(path, Buffer.from(String(i))));
    const results = await Promise.allSettled(writers);
    const winners = results.flatMap(({ status }, i) => (status === "fulfilled" ? [String(i)] : []));
    expect(winners).toEqual([readFileSync(path, "utf8")]);
    expect(readdirSync(folder)).toEqual(["out.png"]);
  });

  it("refuses folders, missing folders and files for folders, and leaves nothing behind", async () => {
    await mkdir(join(folder, "sub"));
    writeFileSync(join(folder, "file"), "");
    await symlink("nowhere", join(folder, "link"));
    expect(await refusal(() => writeFileAtomic(join(folder, "sub"), bytes, { force: true }))).toMatch(/is a folder/);
    expect(await refusal(() => writeFileAtomic(join(folder, "a/b.png"), bytes))).toMatch(/does not exist; create it/);
    expect(await refusal(() => writeFileAtomic(join(folder, "file/b.png"), bytes))).toMatch(/is a file, not a folder/);
    expect(await refusal(() => writeFileAtomic(join(folder, "link"), bytes))).toMatch(/exists/);
    expect(await refusal(() => writeFileAtomic(join(folder, "x".repeat(300)), bytes))).toMatch(/name is too long/);
    expect(await refusal(() => writeFileAtomic("/dev/null", bytes, { force: true }))).toMatch(/no ordinary file/);
    expect(await refusal(() => refuseOutput(join(folder, "file")))).toMatch(/exists/);
    await refuseOutput(join(folder, "file"), { force: true });
    expect(readdirSync(folder).sort()).toEqual(["file", "link", "sub"]);
  });

  it("removes the temporary file when the process is interrupted or exits in the middle", async () => {
    const source = new URL("../src/node/files.ts", import.meta.url).pathname;
    const { build } = await import("vite");
    await build({
      logLevel: "silent",
      configFile: false,
      ssr: { noExternal: true },
      build: {
        ssr: source,
        outDir: join(folder, "built"),
        emptyOutDir: false,
        rollupOptions: { output: { format: "es" } },
      },
    });
    const name = readdirSync(join(folder, "built")).find((file) => /^files\.m?js$/.test(file))!;
    await mkdir(join(folder, "out"));
    for (const [ending, status] of [
      ["SIGINT", "SIGINT"],
      ["SIGTERM", "SIGTERM"],
      ["exit", 4],
      ["handled", 5],
    ] as const) {
      // The file is large enough for the ending to come while it is being written.
      const how = {
        exit: "process.exit(4);",
        handled: 'process.on("SIGINT", () => { process.exitCode = 5; }); process.kill(process.pid, "SIGINT");',
      };
      const script = `
        import { readdirSync } from "node:fs";
        import { writeFileAtomic } from ${JSON.stringify(join(folder, "built", name))};
        const folder = ${JSON.stringify(join(folder, "out"))};
        void writeFileAtomic(folder + "/big", new Uint8Array(200e6));
        const wait = setInterval(() => {
          if (readdirSync(folder).length === 0) return;
          clearInterval(wait);
          console.log(readdirSync(folder)[0]);
          ${ending in how ? how[ending as keyof typeof how] : `process.kill(process.pid, "${ending}");`}
        }, 1);`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (data) => (output += String(data)));
      const ended = await new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
      expect(output).toMatch(/^\.big\.[0-9a-f]{12}\.tmp/);
      expect(ended).toBe(status);
      // Another handler of the signal decides: this one lets the write go on.
      expect(readdirSync(join(folder, "out"))).toEqual(ending === "handled" ? ["big"] : []);
    }
  });
});

describe("ensureFolder", () => {
  it("makes folders on the way, accepts one that is there, refuses a file", async () => {
    await ensureFolder(join(folder, "a/b/c"));
    await ensureFolder(join(folder, "a/b/c"));
    writeFileSync(join(folder, "file"), "");
    expect(await refusal(() => ensureFolder(join(folder, "file")))).toMatch(/file of this name/);
    expect(await refusal(() => ensureFolder(join(folder, "file/x")))).toMatch(/file of this name/);
    expect(readdirSync(join(folder, "a/b"))).toEqual(["c"]);
  });
});
