/** The packed tarball as its users meet it. */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shippedModels } from "../../src/node/packageFiles.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "repaint-package-"));
const npm = (options: string[], cwd: string) => execFileSync("npm", options, { cwd, encoding: "utf8", stdio: "pipe" });
let tarball: string;

beforeAll(() => {
  npm(["pack", "--pack-destination", folder], root);
  tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(".tgz"))!,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the tarball", () => {
  test("publint has nothing to say", async () => {
    const { buffer } = Uint8Array.from(readFileSync(tarball));
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  test("its types are what its modules are, for every resolver of ES modules", async () => {
    const result = await checkPackage(createPackageFromTarballData(Uint8Array.from(readFileSync(tarball))));
    if (!result.types) throw new Error("the tarball has no types");
    expect(Object.keys(result.entrypoints)).toEqual(expect.arrayContaining([".", "./engine", "./shaders", "./bench"]));
    // The profile esm-only (.attw.json): a package of ES modules has nothing for require and for Node 10.
    const ofModules = result.problems.filter(
      (problem) => !("resolutionKind" in problem) || !["node10", "node16-cjs"].includes(problem.resolutionKind),
    );
    expect(ofModules).toEqual([]);
  });

  test("holds what it should and nothing else", async () => {
    const paths = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    const strange = paths.filter(
      (path) =>
        !/^package\/(package\.json|custom-elements\.json|README\.md|LICENSE|CHANGELOG\.md|bin\/[\w.]+|docs\/[\w-]+\.md)$/.test(
          path,
        ) &&
        !/^package\/dist\/([\w-]+\.js|types\/([\w-]+\/)*\w+\.d\.ts|report\.css|licences\/[\w-]+\.txt)$/.test(path) &&
        !/^package\/weights\/([\w.-]+\.safetensors|manifest\.json|README\.md|examples\/[\w.-]+\.png)$/.test(path),
    );
    expect(strange).toEqual([]);
    for (const { file, selfTest } of await shippedModels())
      expect(paths).toEqual(expect.arrayContaining([file, selfTest].map((name) => `package/weights/${name}`)));
  });

  test("is at most 8 MB", () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(8_000_000);
  });
});
