/** Classes by number and by name, one for all pictures or one for each; guided runs on the command line. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { classesFor } from "../src/cli/given/classes.ts";
import type { OpenModel } from "../src/cli/given/model.ts";
import { classNames } from "../src/checkpoints/released/classNames.ts";
import { findClass } from "../src/checkpoints/released/findClass.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { openSafetensors, writeSafetensors } from "../src/files/safetensors.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { InputError } from "../src/errors.ts";
import { RePaint } from "../src/indexNode.ts";
import { cli, events, filesIn, folder, golden } from "./support/cli.ts";
import { values } from "./support/random.ts";
import { tinyClassifier, tinyClasses } from "./support/tinyClassifier.ts";
import { tinyNetwork, tinySize } from "./support/tinyNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";

const file = (metadata: Record<string, string> = {}) => ({
  name: "model",
  metadata: new Map(Object.entries(metadata)),
});

describe("findClass", () => {
  const names = ["tabby cat", "tiger cat", "Persian_cat", "tiger", "crane", "crane"];

  it.each([
    ["3", 3],
    ["tiger", 3],
    ["TABBY", 0],
    ["persian cat", 2],
    ["persian-CAT", 2],
    ["tiger c", 1],
  ])("%s is %i", (text, index) => expect(findClass(text, names.length, names)).toBe(index));

  it.each([
    ["6", /^class: expected a number from 0 to 5, got "6"$/],
    ["t", /^class: "t" may mean tabby cat \(0\), tiger cat \(1\), tiger \(3\): give more of the name, or the number$/],
    ["crane", /"crane" may mean crane \(4\), crane \(5\): give the number$/],
    ["tyger", /got "tyger" \(did you mean tiger \(3\)\?\)$/],
    ["quite another thing", /got "quite another thing"$/],
    [" ", /expected a number from 0 to 5 or a class's name, got " "$/],
    ["-1", /got "-1"/],
  ])("refuses %s", (text, words) => expect(() => findClass(text, names.length, names)).toThrow(words));

  it("asks for a number where nothing names the classes", () => {
    expect(() => findClass("cat", 3, undefined)).toThrow(/a number from 0 to 2, since the file names no classes/);
  });
});

describe("classNames", () => {
  it("are the file's own, a list or an object", async () => {
    expect(await classNames(file({ class_names: '["a", "b"]' }), 2)).toEqual(["a", "b"]);
    expect(await classNames(file({ class_names: '{"1": "b", "0": "a"}' }), 2)).toEqual(["a", "b"]);
    expect(await classNames(file(), 2)).toBeUndefined();
  });

  it("are ImageNet's where there are a thousand", async () => {
    const names = (await classNames(file(), 1000))!;
    expect(names).toHaveLength(1000);
    expect([0, 207, 388, 999].map((index) => names[index])).toEqual([
      "tench",
      "golden retriever",
      "giant panda",
      "toilet tissue",
    ]);
    expect(new Set(names).size).toBe(998);
    expect(names.every((name) => /^\S.*\S$|^\S$/.test(name))).toBe(true);
    expect(findClass("golden ret", 1000, names)).toBe(207);
  });

  it.each([
    ["nonsense", /model: metadata "class_names": expected JSON/],
    ['"a"', /expected a list of names/],
    ['["a"]', /a name for each of 2 classes, got 1/],
    ['["a", 3]', /expected a name for class 1/],
    ['{"0": "a", "2": "b"}', /expected a name for class 1/],
  ])("that are %s are refused", async (text, words) => {
    await expect(classNames(file({ class_names: text }), 2)).rejects.toThrow(words);
  });
});

describe("--class", () => {
  const released = (name: string) =>
    ({ checkpoint: { config: presetConfig(presetByName(name)), file: file() } }) as unknown as OpenModel;
  const classes = (...texts: string[]) => texts;

  it("is asked for by the network's name", async () => {
    await expect(classesFor(classes(), released("imagenet256"), undefined, 1)).rejects.toThrow(
      /^this network \(it looks like imagenet256 .*\) is class-conditional: give --class, a number from 0 to 999$/,
    );
    await expect(classesFor(classes("3"), released("lsun-cat"), undefined, 1)).rejects.toThrow(
      /--class: this network \(it looks like .*lsun-cat.*\) knows no classes/,
    );
  });

  it("is one for all pictures or one for each, by name", async () => {
    const model = released("imagenet256");
    expect(await classesFor(classes("giant panda"), model, undefined, 3)).toEqual([388, 388, 388]);
    expect(await classesFor(classes("0", "golden ret", "7"), model, undefined, 3)).toEqual([0, 207, 7]);
    await expect(classesFor(classes("1", "2"), model, undefined, 3)).rejects.toThrow(/given 2 times for 3 pictures/);
    await expect(classesFor(classes("1000"), model, undefined, 1)).rejects.toThrow(
      /--class: this network \(.*\) knows classes from 0 to 999, got "1000"/,
    );
    await expect(classesFor(classes("cran"), model, undefined, 1)).rejects.toThrow(/^--class: "cran" may mean crane/);
  });
});

test("a file's unconditional class is taken where none is given", async () => {
  const open = (metadata: Record<string, string>) =>
    withMetadata(golden("unet/class-cond.weights.safetensors"), metadata);
  const checkpoint = await openCheckpoint(await open({ unconditional_class: "9" }));
  const model = { checkpoint } as OpenModel;
  expect(await classesFor([], model, undefined, 2)).toEqual([9, 9]);
  await expect(openCheckpoint(await open({ unconditional_class: "10" }))).rejects.toThrow(
    /"unconditional_class": expected one of the network's classes \(10 of them\), got 10/,
  );
});

/** The same tensors under other metadata. */
async function withMetadata(path: string, metadata: Record<string, string>) {
  const bytes = await readFile(path);
  const { metadata: own, tensors } = await openSafetensors(bytesSource(path, bytes));
  const header = JSON.stringify({
    __metadata__: { ...Object.fromEntries(own), ...metadata },
    ...Object.fromEntries(
      [...tensors.values()].map(({ name, dtype, shape, begin, end }) => {
        const first = Math.min(...[...tensors.values()].map((tensor) => tensor.begin));
        return [name, { dtype, shape, data_offsets: [begin - first, end - first] }];
      }),
    ),
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  const first = Number(bytes.readBigUInt64LE()) + 8;
  return bytesSource(path, Buffer.concat([length, Buffer.from(header), bytes.subarray(first)]));
}

describe("guided runs", () => {
  async function networks() {
    const here = await folder();
    const [model, guide] = [join(here, "model.safetensors"), join(here, "guide.safetensors")];
    await writeFile(model, tinyNetwork());
    const names = JSON.stringify(["oak", "ash", "elm", "yew", "fir"]);
    await writeFile(guide, tinyClassifier({}, { class_names: names }));
    return { here, model, guide };
  }

  it("paint a class by the classifier's own names, and say so in the PNG", async () => {
    const { here, model, guide } = await networks();
    const argv = ["sample", "--weights", model, "--count", "2", "--steps", "2", "--out", join(here, "out")];
    const guided = ["--classifier", guide, "--classifier-scale", "2.5", "--class", "elm", "--class", "4", "--json"];
    const { status, out, err } = await cli([...argv, ...guided]);
    expect([status, err]).toEqual([0, expect.stringMatching(/Guided by guide\.safetensors with scale 2\.5\./)]);
    expect(events(out).find(({ event }) => event === "run")).toMatchObject({ classes: [2, 4], classifierScale: 2.5 });
    const png = (await readFile(join(here, "out", "1.png"))).toString("latin1");
    expect(png).toMatch(/"classifierScale":2\.5,"class":4/);
    expect(png).toMatch(/Classifier SHA-256/);
    const plain = await cli([...argv.slice(0, -1), join(here, "plain")]);
    expect(plain.status).toBe(0);
    expect(await readFile(join(here, "plain", "0.png"))).not.toEqual(await readFile(join(here, "out", "0.png")));
  });

  it.each([
    [["--class", "5"], /--class: the classifier .*guide\.safetensors knows classes from 0 to 4, got "5"/],
    [["--class", "esh"], /got "esh" \(did you mean ash \(1\)/],
    [
      ["--class", "1", "--classifier-scale", "much"],
      /--classifier-scale: expected a number, 1 for example, got "much"/,
    ],
    [[], /a guided run draws pictures towards a class: give --class, a number from 0 to 4/],
    [["--class", "1", "--classifier-flags", '{"pool":"max"}'], /pool: expected "attention"/],
  ])("refuse %s in one line", async (extra, words) => {
    const { here, model, guide } = await networks();
    const out = join(here, "out");
    const { status, err } = await cli(["sample", "--weights", model, "--classifier", guide, "--out", out, ...extra]);
    expect([status, err]).toEqual([2, expect.stringMatching(words)]);
    expect(err.trimEnd().split("\n").at(-1)).toMatch(/^repaint: /);
    expect(await filesIn(here)).toEqual(["guide.safetensors", "model.safetensors"]);
  });

  it("refuse a classifier of another size, and options without a classifier", async () => {
    const { here, model } = await networks();
    const big = join(here, "big.safetensors");
    await writeFile(big, tinyClassifier({ imageSize: 16 }));
    const run = (...extra: string[]) => cli(["sample", "--weights", model, ...extra, "--out", join(here, "out")]);
    const wrong = await run("--classifier", big, "--class", "1");
    expect([wrong.status, wrong.err]).toEqual([
      2,
      expect.stringMatching(/is for images of 16×16 and the network for 8×8/),
    ]);
    const alone = await run("--classifier-scale", "2");
    expect([alone.status, alone.err]).toEqual([
      2,
      expect.stringMatching(/--classifier-scale is of a classifier: give/),
    ]);
  });

  const trees = ["oak", "ash", "elm", "yew", "fir"];
  it.each([
    [["oak", "ash", "elm"], /guide\.safetensors knows 5 classes and the network 3: take one of the network's classes/],
    [[...trees, "any", "none"], /knows 5 classes and the network 7/],
    [["oak", "ash", "elm", "fir", "yew"], /calls class 3 "yew" and the network "fir": take one of the network's/],
  ])(
    "refuse a classifier of other classes than %j in one line, on the command line and in the API",
    async (names, words) => {
      const { here, guide } = await networks();
      const model = join(here, "other.safetensors");
      await writeFile(model, tinyNetwork(names));
      const given = ["--weights", model, "--classifier", guide, "--class", "1", "--out", join(here, "out")];
      const { status, err } = await cli(["sample", ...given]);
      expect([status, err]).toEqual([2, expect.stringMatching(words)]);
      expect(err.trimEnd().split("\n")).toHaveLength(1);
      const load = () =>
        RePaint.load(model, { classifier: guide, device: () => Promise.reject(new Error("too late")) });
      await expect(load()).rejects.toThrow(InputError);
      await expect(load()).rejects.toThrow(words);
    },
  );

  it("take a classifier of the network's classes, with one more that means none", async () => {
    const { here, guide } = await networks();
    for (const names of [trees, [...trees, "any"]]) {
      const model = join(here, `${names.length}.safetensors`);
      await writeFile(model, tinyNetwork(names));
      const load = RePaint.load(model, { classifier: guide, device: () => Promise.reject(new Error("asked")) });
      await expect(load).rejects.toThrow("asked");
    }
  });

  it("are planned: inspect tells a classifier, and its memory beside a network", async () => {
    const { here, model, guide } = await networks();
    const alone = await cli(["inspect", guide, "--plan"]);
    expect(alone.out).toMatch(/guided-diffusion classifier[\s\S]*adaptive pool[\s\S]*3 channels in, 5 classes out/);
    expect(alone.out).toMatch(/Classes +0 oak, 1 ash, 2 elm, 3 yew, 4 fir\n/);
    expect(alone.out).toMatch(/pool "adaptive"[\s\S]*Memory on the device for 1 image of 8x8\nf32/);
    const together = await cli(["inspect", model, "--plan", "--classifier", guide, "--json"]);
    const [network] = events((await cli(["inspect", model, "--plan", "--json"])).out).slice(1);
    const guided = events(together.out)[1] as unknown as { total: number; classifier: number };
    expect(guided.total).toBe((network as unknown as { total: number }).total + guided.classifier);
    const stray = await cli(["inspect", model, "--classifier", guide]);
    expect([stray.status, stray.err]).toEqual([2, expect.stringMatching(/--classifier is for --plan/)]);
    const both = await cli(["inspect", guide, "--plan", "--classifier", guide]);
    expect([both.status, both.err]).toEqual([2, expect.stringMatching(/guides a UNet, and this is a classifier/)]);
    expect(await filesIn(here)).toHaveLength(2);
  });

  it("are replayed with their classifier, and only with it", async () => {
    const { here, model, guide } = await networks();
    const image = [1, 3, tinySize, tinySize];
    const length = 3 * tinySize ** 2;
    const tensor = (name: string, shape: number[], seed: number) => {
      const data = Float32Array.from(
        values(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
      );
      return { name, dtype: "F32" as const, shape, data };
    };
    const trace = async (name: string, described: Record<string, unknown>) => {
      const tensors = [
        tensor("gt", image, 1),
        tensor("noise", [4, ...image], 2),
        { ...tensor("keep_mask", [1, 1, tinySize, tinySize], 3), data: new Float32Array(length / 3).fill(1) },
      ];
      const recorded = { times: [1, 0, -1], respacing: "2", beta_schedule: "linear", ...described };
      await writeFile(join(here, name), writeSafetensors(tensors, { case: JSON.stringify(recorded) }));
    };
    await trace("guided", { classifier: "guide", scale: 2, y: [tinyClasses - 1] });
    await trace("plain", {});
    const run = (name: string, ...extra: string[]) =>
      cli(["replay", "--weights", model, "--trace", join(here, name), "--output", join(here, `${name}.out`), ...extra]);
    const done = await run("guided", "--classifier", guide, "--json");
    expect(done.status).toBe(0);
    expect(events(done.out).at(-1)).toMatchObject({ event: "replayed", modelCalls: 2, classifierScale: 2 });
    const without = await run("guided", "--force");
    expect([without.status, without.err]).toEqual([
      2,
      expect.stringMatching(/guidance of a classifier \("guide"\): give it with/),
    ]);
    const needless = await run("plain", "--classifier", guide);
    expect([needless.status, needless.err]).toEqual([2, expect.stringMatching(/recorded without a classifier/)]);
  });
});
