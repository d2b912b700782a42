/** Evaluations of a tiny network: folders to run them in, and their reports without times. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodePng } from "../../src/node/pictures.ts";
import { createPicture } from "../../src/pictures/image.ts";
import { folder } from "./cli.ts";
import { tinyNetwork } from "./tinyNetwork.ts";
import { values } from "./random.ts";

/** A folder with `pictures` of 12×12 pixels and the tiny network. */
export async function evaluationFolder(pictures: number): Promise<{ at: string; images: string; weights: string }> {
  const at = await folder();
  const weights = join(at, "tiny.safetensors");
  await writeFile(weights, tinyNetwork());
  const images = join(at, "images");
  await mkdir(images);
  for (let i = 0; i < pictures; i++) {
    const picture = createPicture(12, 12);
    values(picture.data.length, i + 1, { mean: 128, deviation: 50 }).forEach(
      (value, k) => (picture.data[k] = k % 4 === 3 ? 255 : value),
    );
    await writeFile(join(images, `picture${i}.png`), encodePng(picture));
  }
  return { at, images, weights };
}

/** The report, the results and the pictures' names: everything that must not depend on how a run came to its end. */
export async function outcome(out: string): Promise<{ report: string; results: unknown[]; files: string[] }> {
  const text = await readFile(join(out, "report.html"), "utf8");
  const { results } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as { results: object[] };
  return {
    report: text.replaceAll(/(<t[dh] class="[^"]*\btime\b[^"]*">).*?(?=<\/t[dh]>)/g, "$1"),
    results: results.map((result) => ({ ...result, seconds: 0 })),
    files: (await Promise.all(["results", "pictures", "inputs"].map((part) => readdir(join(out, part))))).flat().sort(),
  };
}
