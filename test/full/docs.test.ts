/**
 * The snippets of README.md and docs/ from the packed package, in the host that each is for: TypeScript compiles in a
 * strict project, what says that it runs runs in Node, and what is for pages fills a picture in there.
 */
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { afterAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { packages } from "../support/hosts.ts";
import { moduleText, snippets, type Snippet } from "../support/snippets.ts";
import { fillInElement, inPage } from "../support/userPage.ts";
import { execute, linkOwnPackages, removeUserProjects, userProject } from "../support/userProject.ts";

const minutes = 60_000;
const all = snippets();
const ofLanguage = (...languages: string[]) => all.filter(({ language }) => languages.includes(language));
/** The one snippet of a language that has this text. */
function withText(language: string, text: string): Snippet {
  const found = ofLanguage(language).filter(({ code }) => code.includes(text));
  if (found.length !== 1) throw new Error(`${found.length} ${language} snippets have ${text}`);
  return found[0]!;
}
const asFiles = (chosen: readonly Snippet[]) =>
  Object.fromEntries(chosen.map((snippet) => [`${snippet.name}.${snippet.language}`, moduleText(snippet)]));
const html = (body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Docs</title><link rel="icon" href="data:,">${body}</html>`;
const weights = "node_modules/repaint-webgpu/weights";

afterAll(async () => {
  await closeChromium();
  removeUserProjects();
});

test(
  "TypeScript compiles in a strict project without skipLibCheck",
  () => {
    const compilerOptions = {
      target: "es2023",
      lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
      module: "nodenext",
      moduleResolution: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      jsx: "react-jsx",
      types: ["node", "react"],
      noEmit: true,
    };
    const config = JSON.stringify({ compilerOptions, include: ["*.ts", "*.tsx"] });
    const files = Object.assign({ "tsconfig.json": config }, asFiles(ofLanguage("ts", "tsx")));
    const cwd = userProject("types", packages.types!, files);
    const compile = () => execute(process.execPath, [join(cwd, "node_modules/typescript/bin/tsc"), "-p", "."], cwd);
    expect(compile()).toBe("");
  },
  4 * minutes,
);

test.skipIf(noChromium).each(ofLanguage("ts").filter(({ runs }) => runs))(
  "$name runs in Node",
  (snippet) => {
    const program = `${snippet.code}\nconsole.log("ran");\nprocess.exit();\n`;
    const cwd = userProject("types", packages.types!, { "main.ts": program });
    linkOwnPackages(cwd);
    // As a clone has them, whose paths the snippets name.
    symlinkSync(weights, join(cwd, "weights"));
    const compiler = [join(cwd, "node_modules/typescript/bin/tsc"), "--module", "nodenext", "--target", "es2022"];
    const libraries = ["--lib", "es2023,dom", "--types", "node", "--strict", "main.ts"];
    execute(process.execPath, [...compiler, ...libraries], cwd);
    expect(execute(process.execPath, ["main.js"], cwd)).toMatch(/^ran$/m);
  },
  4 * minutes,
);

describe.skipIf(noChromium)("in a page", () => {
  test.each([
    ["README's", ofLanguage("html").find(({ name }) => name.startsWith("README"))!.code],
    ["embedding's", ofLanguage("html").find(({ name, code }) => name.startsWith("embedding") && /node_modules/.test(code))!.code], // prettier-ignore
    ["that with a model of one's own", `<script type="module" src="/node_modules/repaint-webgpu/dist/element.js"></script>${withText("html", "my-faces").code}`], // prettier-ignore
  ])(
    "served as files: %s",
    async (_, body) => {
      const element = body.includes("<repaint-inpaint") ? body : `${body}<repaint-inpaint></repaint-inpaint>`;
      const cwd = userProject("frameworks", packages.frameworks!, { "index.html": html(element) });
      cpSync(join(cwd, weights, "examples/3-one-eye.png"), join(cwd, "portrait.png"));
      cpSync(join(cwd, weights, "portraits64.safetensors"), join(cwd, "models/my-faces.safetensors"));
      expect(await inPage(cwd, keepHalf)).toBe(2);
    },
    4 * minutes,
  );

  const inPages = {
    "removeFrom.ts": withText("ts", "removeFrom").code,
    "fill.ts": withText("ts", "async function fill(").code,
    "fillPatiently.ts": withText("ts", "fillPatiently").code,
    "worker.ts": withText("ts", "element.worker = () =>").code,
  };
  /** A page of Vite's that has the snippets' modules on `docs`, and is used. */
  async function built<T>(body: string, modules: readonly (keyof typeof inPages)[], use: (page: Page) => Promise<T>) {
    const imports = modules.map((path) => `${path.replace(".ts", "")}: await import("./${path}"), `);
    const main = `globalThis.docs = { ${imports.join("")}load: await import("repaint-webgpu") };\n`;
    const cwd = userProject("frameworks", packages.frameworks!, {
      ...inPages,
      "index.html": html(`${body}<script type="module" src="./main.ts"></script>`),
      "main.ts": main,
      "vite.config.js": `export default { build: { target: "es2022" } };\n`,
    });
    execute(process.execPath, [join(cwd, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"], cwd);
    cpSync(join(cwd, "node_modules/repaint-webgpu/dist/worker.js"), join(cwd, "dist/engine/worker.js"));
    return inPage(join(cwd, "dist"), async (page) => {
      await page.waitForFunction(() => "docs" in globalThis);
      return use(page);
    });
  }

  test(
    "embedding's first, which a bundler takes, and its styles",
    async () => {
      const style = `<style>${withText("css", "repaint-inpaint").code}</style>`;
      const body = style + withText("html", `import "repaint-webgpu/element"`).code.replace(/ src="portrait.png"/, "");
      await built(body, [], async (page) => {
        expect(await fillInElement(page)).toBe(2);
        expect(await page.$eval("repaint-inpaint", (element) => getComputedStyle(element).height)).toBe("640px");
      });
    },
    4 * minutes,
  );

  test(
    "embedding's removeFrom, with quicker settings",
    () =>
      built(`<repaint-inpaint></repaint-inpaint>`, ["removeFrom.ts"], async (page) => {
        const size = await page.evaluate(async () => {
          const { removeFrom } = (globalThis as never as Docs).docs.removeFrom;
          const canvas = new OffscreenCanvas(40, 32);
          const context = canvas.getContext("2d")!;
          const photo = await canvas.convertToBlob();
          context.fillStyle = "white";
          context.fillRect(0, 0, 20, 32);
          const file = await removeFrom(new File([photo], "photo.png"), await canvas.convertToBlob());
          const { width, height } = await createImageBitmap(file);
          return [file.type, width, height];
        });
        expect(size).toEqual(["image/png", 40, 32]);
      }),
    8 * minutes,
  );

  test(
    "api's fill and fillPatiently",
    () =>
      built(`<button>Stop</button><canvas></canvas>`, ["fill.ts", "fillPatiently.ts"], async (page) => {
        const filled = await page.evaluate(async () => {
          const { fill, fillPatiently, load } = (globalThis as never as Docs).docs;
          const [width, height] = [32, 32];
          const grey = new ImageData(new Uint8ClampedArray(4 * width * height).fill(200), width, height);
          const canvas = Object.assign(document.createElement("canvas"), { width, height });
          canvas.getContext("2d")!.putImageData(grey, 0, 0);
          const photo = new Image();
          photo.src = canvas.toDataURL();
          await photo.decode();
          const strokes = Object.assign(document.createElement("canvas"), { width, height });
          strokes.getContext("2d")!.fillRect(4, 4, 16, 16);
          const one = await fill.fill(photo, strokes);
          const repaint = await load.RePaint.load("portraits64");
          const job = { picture: grey, fill: strokes, seed: 7n };
          const button = document.querySelector("button")!;
          setTimeout(() => button.click(), 2000);
          const two = await fillPatiently.fillPatiently(repaint, job, button);
          repaint.dispose();
          return [one.data, two.picture.data].map((after) => after.some((value, i) => value !== grey.data[i]));
        });
        expect(filled).toEqual([true, true]);
      }),
    8 * minutes,
  );

  test(
    "embedding's worker from one's own server",
    async () => {
      const calls = await built(`<repaint-inpaint></repaint-inpaint>`, ["worker.ts"], fillInElement);
      expect(calls).toBe(2);
    },
    4 * minutes,
  );
});

interface Docs {
  readonly docs: {
    readonly removeFrom: { removeFrom: (photo: File, mask: Blob) => Promise<File> };
    readonly fill: { fill(photo: HTMLImageElement, strokes: HTMLCanvasElement): Promise<ImageData> };
    readonly fillPatiently: {
      fillPatiently(repaint: unknown, job: object, stop: Element): Promise<{ picture: { data: Uint8ClampedArray } }>;
    };
    readonly load: { RePaint: { load(name: string): Promise<{ dispose(): void }> } };
  };
}

/** A page whose snippet names a picture: half of it is filled. */
async function keepHalf(page: Page): Promise<number> {
  await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.matches(":defined"));
  await page.evaluate(async () => {
    const element = document.querySelector("repaint-inpaint")!;
    if (!element.src) return;
    while (!element.picture) await new Promise((soon) => setTimeout(soon, 50));
    const { width, height } = element.picture;
    await element.setMask({ width, height, data: Float32Array.from({ length: width * height }, (_, i) => i % 2) });
  });
  return fillInElement(page);
}
