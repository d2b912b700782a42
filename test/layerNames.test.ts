/**
 * What a block's layers are called stands in one file for each family of checkpoints, and a new kind of block does not
 * compile until every file that must know it does.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { classTable, headNames, partNames, timeNames } from "../src/checkpoints/names.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Sources that deal with networks, without comments. */
const sources = ["src", "bench"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !/^src\/(shaders|operators)\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "") })),
);

/** Files that spell one of the names in quotes or behind a dot, as a text or in one. */
const spelling = (names: readonly string[]) => {
  const any = names.map((name) => name.replaceAll(".", "\\.")).join("|");
  const pattern = new RegExp(`(["'\`]|["'\`}\\w]\\\\?\\.)(${any})(?=["'\`.\\\\])`);
  return sources.flatMap(({ path, text }) => (pattern.test(text) ? [path] : []));
};

/** "norm" and "conv" are words of many things: behind another name they are a layer's. */
const behindAnother = (names: readonly string[]) => {
  const pattern = new RegExp(`\\}\\.(${names.join("|")})(?=["'\`.])`);
  return sources.flatMap(({ path, text }) => (pattern.test(text) ? [path] : []));
};

describe("names of layers", () => {
  test("of guided-diffusion", () => {
    const parts = Object.values(partNames).flatMap((part) => Object.values(part) as string[]);
    const own = [...parts.filter((part) => /_/.test(part)), classTable, ...timeNames];
    expect(own).toEqual(expect.arrayContaining(["in_layers.2", "out_layers.3", "skip_connection", "proj_out"]));
    expect(spelling(own)).toEqual(["src/checkpoints/names.ts"]);
    const heads = new Set(Object.values(headNames).flatMap((head) => Object.values(head) as string[]));
    expect(spelling([...heads])).toEqual(["src/checkpoints/names.ts"]);
    expect(spelling(["positional_embedding", "qkv_proj", "c_proj"])).toEqual(["src/checkpoints/names.ts"]);
    expect(behindAnother(parts.filter((part) => part !== ""))).toEqual([]);
  });

  test("of diffusers", () => {
    const own = ["conv_shortcut", "time_emb_proj", "group_norm", "to_q", "to_out.0", "proj_attn", "resnets"];
    expect(spelling(own)).toEqual(["src/checkpoints/diffusers/names.ts"]);
  });
});

test("a new kind of block compiles only where every file that must know it does", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "repaint-kinds-"));
  try {
    cpSync(join(root, "src"), join(folder, "src"), { recursive: true });
    for (const name of ["node_modules", "tsconfig.json", "package.json"])
      symlinkSync(join(root, name), join(folder, name));
    const settings = { extends: "./tsconfig.json", include: ["src/checkpoints", "src/unet"] };
    writeFileSync(join(folder, "kinds.json"), JSON.stringify(settings));
    const file = join(folder, "src/checkpoints/architecture.ts");
    const text = readFileSync(file, "utf8");
    const changed = text.replace("export type Block =", '$& | { readonly kind: "gate"; readonly name: string }');
    expect(changed).not.toBe(text);
    writeFileSync(file, changed);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", "kinds.json"], { cwd: folder, encoding: "utf8" });
    const files = new Set([...stdout.matchAll(/^(src\/[\w/.]+)\(/gm)].map(([, path]) => path));
    expect([...files].sort()).toEqual([
      "src/checkpoints/diffusers/names.ts",
      "src/checkpoints/layers.ts",
      "src/checkpoints/names.ts",
      "src/unet/layers.ts",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
