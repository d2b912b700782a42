/**
 * Takes the README's pictures of the element in a real browser: docs/element-light.png, where the shipped model filled
 * an example and the two are compared, and docs/element-dark-phone.png, where a run is going (`node
 * scripts/readme-element.mjs [PRESET] [light|phone]`; balanced and both: 116 model calls). Needed again only when the
 * element's looks, the shipped model or the examples change.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const [preset = "balanced", only] = process.argv.slice(2);
// The tests' own page and browser.
const { module: pages } = await runnerImport(join(root, "test/support/elementPage.ts"));
const { module: browser } = await runnerImport(join(root, "test/support/chromium.ts"));

async function open(example, look) {
  const file = (ending) => readFile(join(root, "weights", "examples", `${example}${ending}`));
  const attributes = `model="portraits64" preset="${preset}" seed="1" src="/picture.png" mask="/fill.png"`;
  const { page } = await pages.elementPage({
    ...look,
    html: `<repaint-inpaint id="field" ${attributes}></repaint-inpaint>`,
    files: { "/picture.png": await file(".png"), "/fill.png": await file(".fill.png") },
  });
  await page.waitForFunction(() => globalThis.field.keep?.data.includes(0));
  await page.evaluate(() => {
    globalThis.field.addEventListener("progress", ({ detail }) => (globalThis.share = detail.step / detail.steps));
    globalThis.field.addEventListener("result", () => (globalThis.share = 1));
  });
  await press(page, "Fill in");
  return page;
}

const press = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).setTimeout(120_000).click();

async function shoot(page, share, name, prepare) {
  await page.waitForFunction((wanted) => globalThis.share >= wanted, { timeout: 1_800_000, polling: 100 }, share);
  await prepare?.();
  await page.mouse.move(0, 0);
  // What moves comes to rest.
  await new Promise((rest) => setTimeout(rest, 1000));
  await writeFile(join(root, "docs", `${name}.png`), await page.screenshot());
  await page.close();
  process.stderr.write(`docs/${name}.png\n`);
}

if (only !== "phone") {
  const desk = await open("5-expand", { width: 1280, height: 800 });
  await shoot(desk, 1, "element-light", () => press(desk, "Compare"));
}
if (only !== "light") {
  const phone = await open("1-half-right", { width: 360, height: 940, scheme: "dark" });
  await shoot(phone, 0.6, "element-dark-phone");
}
await browser.closeChromium();
process.exit(0);
