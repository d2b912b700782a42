/**
 * Makes docs/portraits.png, the README's first picture: the eight examples by RePaint without and with resampling, and
 * by guided Langevin steps, with the shipped model (`node scripts/readme-portraits.mjs`; 4,944 model calls). The runs
 * are an evaluation in out/readme, so that the same command goes on after a stop; another model or other examples need
 * another folder (its name as the argument). Needed again only when the shipped model or the examples change.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [work = join(root, "out", "readme")] = process.argv.slice(2);
await setUp(root);
const { main } = await import("../dist/cli.js");
const { contactSheet, encodePng, readPicture, shippedModels, weightsFolder, writeFileAtomic } =
  await import("repaint-webgpu/node");

const [model] = await shippedModels();
const { examples } = model;
const settings = [
  ["without", "steps=100,jump-length=10,resamples=1", "RePaint without resampling (100, 10, 1)"],
  ["with", "steps=100,jump-length=10,resamples=5", "RePaint with resampling (100, 10, 5)"],
  ["langevin", "balanced", "guided Langevin, 20 levels of 2 steps"],
];
const status = await main([
  "evaluate",
  "--fill",
  join(weightsFolder, "examples"),
  "--seed",
  "1",
  "--out",
  work,
  ...examples.flatMap(({ picture }) => ["--image", join(weightsFolder, picture)]),
  ...settings.flatMap(([name, words]) => ["--setting", `${name}:${words}`]),
]);
if (status !== 0) process.exit(status);

const { results } = JSON.parse(await readFile(join(work, "results.json"), "utf8"));
const read = (files) => Promise.all(files.map((file) => readPicture(join(work, file))));
const inputs = (part) => read(examples.map((_, i) => `inputs/${String(i).padStart(6, "0")}${part}`));
const filled = (setting) =>
  read(examples.map(({ name }) => results.find((one) => one.picture === name && one.setting === setting).file));
const rows = [
  { label: "original", pictures: await inputs(".png") },
  { label: "input", pictures: await inputs("-0.png") },
];
for (const [name, , label] of settings) rows.push({ label, pictures: await filled(name) });
const png = encodePng(contactSheet(rows), { Software: "repaint-webgpu" });
await writeFileAtomic(join(root, "docs", "portraits.png"), png, { force: true });
process.exit(0);
