/** Guidance in the page: a classifier beside a model by a click or by attributes; its class, scale, memory and time. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { readPicture } from "../../src/node/pictures.ts";
import type { Picture } from "../../src/pictures/image.ts";
import { shippedModels } from "../../src/repaint/shipped.ts";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { cli, folder, shipped } from "../support/cli.ts";
import { ElementDriver, testPicture } from "../support/elementDriver.ts";
import { tinyClassifier } from "../support/tinyClassifier.ts";
import { tinyNetwork } from "../support/tinyNetwork.ts";

const trees = ["oak", "ash", "elm", "yew", "fir"];
const names = { class_names: JSON.stringify(trees) };

const [picture, mask] = ["examples/1-half-right.png", "examples/1-half-right.fill.png"].map(shipped) as [
  string,
  string,
];
const few = { sampler: "langevin", levels: 2, inner: 1 } as const;
let own: Picture | undefined;

test("the command line's picture, to which the page's is compared", async () => {
  const out = join(await folder(), "out.png");
  const settings = ["--sampler", "langevin", "--levels", "2", "--inner", "1", "--seed", "7", "--class", "hat"];
  const guide = ["--classifier", "classifier64", "--classifier-scale", "3"];
  const { status, err } = await cli([
    "inpaint",
    "--image",
    picture,
    "--fill",
    mask,
    ...settings,
    ...guide,
    "--out",
    out,
  ]);
  expect([status, err]).toEqual([0, expect.stringContaining("Guided by classifier64")]);
  own = await readPicture(out);
});

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);

  const text = (selector: string) =>
    driver.page.evaluate((one) => globalThis.field.shadowRoot!.querySelector(one)?.textContent ?? "", selector);
  const openModel = () =>
    driver.page.evaluate(() => {
      globalThis.field.shadowRoot!.querySelector<HTMLDetailsElement>("details.model")!.open = true;
    });
  const loaded = (title: string | null) =>
    driver.page.waitForFunction(
      (title) => {
        const info = globalThis.field.modelInfo;
        return info !== null && (info.classifier?.title ?? null) === title;
      },
      { timeout: 120_000 },
      title,
    );
  /** The class by its name, in the field that can be seen. */
  const choose = async (name: string) => {
    const select = await driver.page.evaluateHandle(() =>
      [...globalThis.field.shadowRoot!.querySelectorAll(".classes select")].find((one) => one.checkVisibility()),
    );
    await select.asElement()!.select(name);
  };
  const fill = async () => {
    await driver.page.evaluate(() => (globalThis.seen.result.length = 0));
    await driver.press("Fill in");
    await driver.ends();
    return driver.page.evaluate(() => [...globalThis.field.result!.data]);
  };
  const estimate = () =>
    driver.waitFor(() => /model calls · .* here$/.test(globalThis.field.shadowRoot!.querySelector(".run-line")!.textContent ?? "")); // prettier-ignore
  test("the shipped one by one click: what it takes is said before, and the picture is the command line's", async () => {
    const files = { "/portrait.png": await readFile(picture), "/mask.png": await readFile(mask) };
    driver = await ElementDriver.open({ files, attributes: `mask="/mask.png"` });
    const { page } = driver;
    await page.evaluate(async (sampling) => {
      globalThis.field.model = "portraits64";
      globalThis.field.settings = { sampling, classifierScale: 3 };
      await globalThis.field.setPicture("/portrait.png");
      await globalThis.field.setMask("/mask.png");
    }, few);
    await loaded(null);
    const alone = await page.evaluate(() => globalThis.field.modelInfo!.memoryBytes);
    await openModel();
    expect(await text(".guide-state")).toBe(
      "It draws every step towards a class. What that takes, in time and memory, is said before a run.",
    );
    await driver.press("classifier64, shipped, 1.8 MB");
    await loaded("classifier64");
    const info = await page.evaluate(() => globalThis.field.modelInfo!);
    expect(info).toMatchObject({ title: "portraits64", classes: 9, bytes: shippedModels.portraits64!.bytes });
    expect(info.classifier).toMatchObject({ classes: 8, scale: 1, classNames: expect.arrayContaining(["hat"]) });
    expect(info.memoryBytes).toBe(alone + info.classifier!.memoryBytes);
    expect(await text(".guide-state")).toMatch(/^classifier64 draws every step towards one of 8 classes and takes [\d.]+ MB of the memory above\.$/); // prettier-ignore
    expect(await text(".model-state")).toBe("64×64, f32, guided by classifier64");
    await driver.waitFor(() => /classifier64.safetensors, 1.8 MB/.test(globalThis.field.shadowRoot!.querySelector(".cached")!.textContent ?? "")); // prettier-ignore
    await estimate();
    // "any" means none: no classifier knows it.
    expect(await text(".classes select")).not.toContain("any");
    await choose("5 hat");
    const shots = process.env.REPAINT_SCREENSHOTS;
    if (shots) await page.screenshot({ path: `${shots}/guidance.png` });
    await fill();
    const saved = await driver.downloadPicture(() => driver.press("Download"));
    expect(saved.text).toMatchObject({ Classifier: "classifier64", "Classifier SHA-256": expect.stringMatching(/^644537f6/) }); // prettier-ignore
    expect(JSON.parse(saved.text.Settings!)).toMatchObject({ class: 5, classifierScale: 3 });
    const { width, height, data } = own!;
    const differences = data.map((value, i) => Math.abs(value - saved.data[i]!));
    const differing = differences.filter((value) => value > 0).length;
    console.log(`${differing} of ${data.length} bytes differ from the command line's, by ${Math.max(...differences)} at most`); // prettier-ignore
    expect([saved.width, saved.height]).toEqual([width, height]);
    expect(differing).toBe(0);
    await driver.press("Without a classifier");
    await loaded(null);
    expect(driver.log).toEqual([]);
  });

  test("attributes and settings: an unconditional model gets the classifier's classes", async () => {
    const files = { "/guide.safetensors": tinyClassifier({}, names) };
    const attributes = `classifier="/guide.safetensors" classifier-scale="40" class-label="3"`;
    driver = await ElementDriver.open({ picture: testPicture(40, 30), files, attributes });
    const { page } = driver;
    await page.evaluate((sampling) => (globalThis.field.settings = { sampling }), few);
    await loaded("guide.safetensors");
    expect(await page.evaluate(() => [globalThis.field.modelInfo!.classes, globalThis.field.classifierScale])).toEqual([null, 40]); // prettier-ignore
    await driver.drag([12, 10], [20, 14]);
    const yew = await fill();
    await choose("1 ash");
    expect(await page.evaluate(() => globalThis.field.classLabel)).toBe(1);
    expect(await fill()).not.toEqual(yew);
    await page.evaluate(() => (globalThis.field.settings = { class: 3, classifierScale: 1 }));
    expect(await fill()).not.toEqual(yew);
    await page.evaluate(() => (globalThis.field.classifierScale = 40));
    expect(await fill()).toEqual(yew);
    await page.evaluate(() => globalThis.field.removeAttribute("classifier"));
    const unguided = await fill();
    expect(unguided).not.toEqual(yew);
    expect(await page.evaluate(() => globalThis.field.modelInfo!.classifier)).toBe(null);
    await page.evaluate(() => globalThis.field.loadModel("/tiny.safetensors", { classifier: "/guide.safetensors" }));
    expect(await fill()).toEqual(yew);
  });

  test("what cannot guide is one line, and after a user's mistake the model that was loaded stays", async () => {
    const here = await folder();
    const big = join(here, "big.safetensors");
    await writeFile(big, tinyClassifier({ imageSize: 16 }));
    const files = {
      "/big.safetensors": await readFile(big),
      "/guide.safetensors": tinyClassifier({}, names),
      "/others.safetensors": tinyNetwork(["oak", "ash", "elm", "fir", "yew"]),
    };
    driver = await ElementDriver.open({ picture: testPicture(40, 30), files });
    const { page } = driver;
    await loaded(null);
    const load = (model: string, classifier: string) =>
      page.evaluate(
        (model, classifier) =>
          globalThis.field.loadModel(model, { classifier }).then(
            () => "loaded",
            (error: Error) => `${error.name}: ${error.message}`,
          ),
        model,
        classifier,
      );
    expect(await load("/tiny.safetensors", "/big.safetensors")).toMatch(
      /^InputError: the classifier .*big\.safetensors is for images of 16×16 and the network for 8×8: take one of the network's size$/,
    );
    expect(await load("/others.safetensors", "/guide.safetensors")).toMatch(
      /^InputError: the classifier .* calls class 3 "yew" and the network "fir": take one of the network's classes$/,
    );
    expect(await load("/tiny.safetensors", "/others.safetensors")).toMatch(
      /^CheckpointError: .*others\.safetensors: expected a guided-diffusion classifier, but it looks like/,
    );
    expect(await load("/tiny.safetensors", "classifier65")).toBe(
      `InputError: classifier: expected an address or one of classifier64, got "classifier65"`,
    );
    // By a click, of the shipped one that is for other images: the model that was there goes on without it.
    await page.evaluate(() => globalThis.field.loadModel("/tiny.safetensors"));
    await openModel();
    await driver.press("classifier64, shipped, 1.8 MB");
    await driver.waitFor(() => /is for images of 64×64/.test(globalThis.field.shadowRoot!.querySelector("[role=alert] p")!.textContent ?? "")); // prettier-ignore
    expect(await page.evaluate(() => globalThis.field.modelInfo?.classifier)).toBe(null);
    await driver.drag([12, 10], [20, 14]);
    expect((await fill()).length).toBe(4 * 40 * 30);
  });
});
