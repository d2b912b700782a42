/**
 * A package registry on the loopback address that has our packed tarball and the packages that it takes, of the
 * checkout: for `npx`, `bunx` and Deno's `npm:`. For test/full only.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve, type StaticServer } from "./staticServer.ts";
import { execute, packed } from "./userProject.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * @param folder for tarballs
 * @param others packages that it has, too, with all that they take
 */
export async function serveRegistry(folder: string, others: readonly string[]): Promise<StaticServer> {
  const tarballs = new Map<string, Uint8Array>();
  const manifests = new Map<string, Manifest>();
  const add = (manifest: Manifest, tarball: string) => {
    manifests.set(manifest.name, manifest);
    tarballs.set(manifest.name, readFileSync(tarball));
    Object.keys(manifest.dependencies ?? {}).forEach(addInstalled);
  };
  const addInstalled = (name: string) => {
    const source = join(root, "node_modules", name);
    if (!manifests.has(name)) add(readManifest(source), pack(source, join(folder, name.replace("/", "-"))));
  };
  add(readManifest(root), packed());
  others.forEach(addInstalled);
  const server = await serve((path) => {
    const [name, file] = decodeURIComponent(path.slice(1)).split("/-/");
    const bytes = tarballs.get(name!);
    if (!bytes || file) return bytes;
    const manifest = manifests.get(name!)!;
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const shasum = createHash("sha1").update(bytes).digest("hex");
    const dist = { tarball: `${server.url}${name}/-/package.tgz`, integrity, shasum };
    const versions = { [manifest.version]: { ...manifest, dist } };
    return JSON.stringify({ name, "dist-tags": { latest: manifest.version }, versions });
  });
  return server;
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

/** Packs what is installed as it is: without its scripts. */
function pack(source: string, folder: string): string {
  execute("mkdir", ["-p", folder], root);
  execute("npm", ["pack", source, "--ignore-scripts", "--pack-destination", folder], root);
  return join(folder, readdirSync(folder)[0]!);
}
