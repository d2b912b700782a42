/**
 * Puts trained networks into weights/ (`node scripts/ship-weights.mjs FOLDER`, where weights/train/export.py wrote
 * them): the files of every model of weights/manifest.json that FOLDER has, and what the manifest and
 * src/repaint/shipped.ts say of them.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("expected the folder that export.py wrote to");
const root = fileURLToPath(new URL("..", import.meta.url));
await setUp(root);
const { bytesSource, openTensors } = await import("repaint-webgpu/evaluate");
const manifestPath = join(root, "weights/manifest.json");
const shippedPath = join(root, "src/repaint/shipped.ts");
const manifest = JSON.parse(await readFile(manifestPath, "utf8"));
let shipped = await readFile(shippedPath, "utf8");

for (const model of manifest.models) {
  if (!existsSync(join(folder, model.file))) continue;
  for (const file of [model.file, model.selfTest]) await copyFile(join(folder, file), join(root, "weights", file));
  const bytes = await readFile(join(folder, model.file));
  model.sha256 = createHash("sha256").update(bytes).digest("hex");
  model.bytes = bytes.length;
  const { tensors } = await openTensors(bytesSource(model.file, bytes));
  const elements = ({ shape }) => shape.reduce((product, side) => product * side, 1);
  model.parameters = [...tensors.values()].reduce((sum, tensor) => sum + elements(tensor), 0);
  const entry = new RegExp(`(  ${model.name}: \\{.*?sha256: ")\\w+(",\\s*bytes: )\\d+`, "s");
  shipped = shipped.replace(entry, (_, a, b) => `${a}${model.sha256}${b}${model.bytes}`);
  console.log(`${model.name}: ${model.bytes} bytes, sha256 ${model.sha256}`);
}
await writeFile(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
await writeFile(shippedPath, shipped);
