/** Networks inside what training programs save around them: the right tensors, to the bit, under plain names. */
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openNetwork } from "../src/checkpoints/openNetwork.ts";
import { TensorMismatchError } from "../src/checkpoints/infer.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";
import { readFloat32, writeSafetensors, type WritableTensor } from "../src/files/safetensors.ts";
import type { TensorFile } from "../src/files/tensorFile.ts";
import { cli } from "./support/cli.ts";
import { quantized } from "./support/int8.ts";
import { flatten, floats, orderedDict, tensor, torchZip } from "./support/pytorch.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";

type Tensors = Map<string, { shape: readonly number[]; data: Float32Array }>;

const plainFile = await openTensors(bytesSource("plain", tinyNetwork()));
const guided: Tensors = new Map();
for (const [name, { shape }] of plainFile.tensors)
  guided.set(name, { shape, data: await readFloat32(plainFile, name) });

const prefixed = (prefix: string, tensors = guided): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));
/** Every value one more, as another network's. */
const other = (tensors: Tensors): Tensors =>
  new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => value + 1) }]));
const beside = (...entries: [string, number[]][]): Tensors =>
  new Map(
    entries.map(([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(7) }]),
  );
const joined = (...parts: Tensors[]): Tensors => new Map(parts.flatMap((part) => [...part]));
const written = (tensors: Tensors) =>
  writeSafetensors([...tensors].map(([name, tensor]): WritableTensor => ({ name, dtype: "F32", ...tensor })));
const opened = (tensors: Tensors) => openCheckpoint(bytesSource("wrapped", written(tensors)));

async function expectTensors(file: TensorFile, expected: Tensors) {
  expect([...file.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { shape, data }] of expected) {
    expect(file.tensors.get(name)).toMatchObject({ name, shape });
    expect(await readFloat32(file, name), name).toEqual(data);
  }
}

const dotless = (module: string, tensors: Tensors): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [`model_ema.${(module + name).replaceAll(".", "")}`, tensor]));

describe("one network", () => {
  test.each(["module.", "_orig_mod.", "model.", "net.", "unet.", "model.diffusion_model.", "any.thing.at._all."])(
    "behind %s",
    async (prefix) => {
      const { file, assumed } = await opened(prefixed(prefix));
      await expectTensors(file, guided);
      expect(assumed.join()).not.toMatch(/weights from|left out/);
    },
  );

  test("beside what is not its own, which is said", async () => {
    const rest = beside(["betas", [10]], ["lpips.lin0.weight", [1, 3]], ["encoder.conv.weight", [2, 2]], ["step", []]);
    for (const prefix of ["", "model."]) {
      const { file, assumed } = await opened(joined(rest, prefixed(prefix)));
      await expectTensors(file, guided);
      expect(assumed[0]).toBe('4 of its tensors left out ("betas", "lpips.*", "encoder.*", "step")');
    }
  });

  test("tensors of unknown use inside its module stay an error", async () => {
    for (const prefix of ["", "model."]) {
      const tensors = joined(prefixed(prefix), beside([`${prefix}cond_proj.weight`, [4, 4]]));
      await expect(opened(tensors)).rejects.toThrow(TensorMismatchError);
      await expect(opened(tensors)).rejects.toThrow(/in 1 place: unexpected "cond_proj\.weight"/);
    }
  });

  test("a latent diffusion model is none", async () => {
    const tensors = joined(prefixed("model.diffusion_model."), beside(["first_stage_model.decoder.x", [1]]));
    await expect(opened(tensors)).rejects.toThrow(/a latent diffusion model \("first_stage_model/);
  });

  test("int8 weights keep their scales", async () => {
    const int8 = await openTensors(bytesSource("int8", await quantized(plainFile)));
    const tensors = new Map([...int8.tensors].map(([name, info]) => [`unet.${name}`, info]));
    const { file } = await openCheckpoint({ ...int8, tensors, read: (name: string) => int8.read(name) });
    for (const name of guided.keys()) {
      const [expected, got] = [await readFloat32(int8, name), await readFloat32(file, name)];
      expect(got, name).toEqual(expected);
    }
    expect(file.tensors.get("out.2.weight")?.scale).toBeDefined();
  });
});

describe("of several networks the averaged one", () => {
  const averaged = other(guided);
  test.each<[string, Tensors, string]>([
    ["ema_pytorch's", joined(prefixed("online_model."), prefixed("ema_model.", averaged)), '"ema_model"'],
    ["two modules", joined(prefixed("model."), prefixed("ema.", averaged)), '"ema"'],
    ["inside a module", joined(prefixed("a.net."), prefixed("a.net_ema.", averaged)), '"a.net_ema"'],
    [
      "LitEma's of the wrapper",
      joined(
        prefixed("model.diffusion_model."),
        dotless("diffusion_model.", averaged),
        beside(["model_ema.decay", []]),
      ),
      '"model_ema"',
    ],
    ["LitEma's of the network", joined(prefixed("model."), dotless("", averaged)), '"model_ema"'],
  ])("%s", async (_, tensors, name) => {
    const { file, assumed } = await opened(tensors);
    await expectTensors(file, averaged);
    expect(assumed[0]).toMatch(new RegExp(`^weights from ${name} \\(the file also has "`));
  });

  test("not an average that lacks a tensor, nor the smaller network of two", async () => {
    const [, ...partly] = dotless("", averaged);
    expect((await opened(joined(prefixed("model."), new Map(partly)))).assumed[0]).toMatch(/tensors left out/);
    await expectTensors((await opened(joined(prefixed("model."), new Map(partly)))).file, guided);
    const small = joined(prefixed("ema.", new Map([...averaged].slice(0, 8))), prefixed("model."));
    await expectTensors((await opened(small)).file, guided);
  });
});

describe("by its name", () => {
  const second = other(guided);
  const both = joined(prefixed("ema.", guided), prefixed("online.net.", second));
  const named = (network: string, tensors = both) => openNetwork(bytesSource("two", written(tensors)), network);

  test("a module's, whole or its end", async () => {
    for (const network of ["online.net", "net"]) {
      const file = await named(network);
      await expectTensors(file, second);
      expect(file.assumed.join()).not.toContain("weights from");
    }
    await expectTensors(await named("ema"), guided);
    await expectTensors(await named("its top level", joined(guided, prefixed("ema.", second))), guided);
  });

  test("which are listed where there is none", async () => {
    await expect(named("mode")).rejects.toThrow(/^two: it has no network "mode", but "ema", "online\.net"$/);
    await expect(named("x", beside(["betas", [2]]))).rejects.toThrow(/no network "x" nor any other$/);
  });

  test("a dict's of a pickle, and a module's in it", async () => {
    const tensorsOf = (prefix: string, size: number) =>
      orderedDict(
        Object.fromEntries(
          ["input_blocks.0.0.weight", "output_blocks.0.0.weight"].map((name) => [
            prefix + name,
            tensor({ key: "0", count: 4, size: [size], strides: [1] }),
          ]),
        ),
      );
    const ema = orderedDict({});
    const file = flatten(
      torchZip(
        { model: tensorsOf("", 1), ema: { state: tensorsOf("online.", 2), shadow: tensorsOf("", 3) }, empty: ema },
        { 0: floats(1, 2, 3, 4) },
      ),
    );
    for (const [network, size] of [
      ["model", 1],
      ["online", 2],
      ["ema.state.online", 2],
      ["shadow", 3],
      [undefined, 2],
    ] as const)
      // prettier-ignore
      expect([...(await openNetwork(bytesSource("pickle", file), network)).tensors.values()][0]?.shape).toEqual([size]);
    await expect(openNetwork(bytesSource("pickle", file), "nothing")).rejects.toThrow(
      /^pickle: it has no network "nothing", but "ema\.state\.online", "model", "ema\.shadow"$/,
    );
  });

  test("is --network of the command line", async () => {
    const root = await mkdtemp(join(tmpdir(), "repaint-network-"));
    await writeFile(join(root, "two.safetensors"), written(both));
    await cli(["convert", join(root, "two.safetensors"), join(root, "one.safetensors"), "--network", "net"]);
    const file = await openTensors(bytesSource("one", await readFile(join(root, "one.safetensors"))));
    await expectTensors(file, second);
    const { status, err } = await cli(["inspect", join(root, "two.safetensors"), "--network", "nett"]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/: it has no network "nett", but "ema", "online\.net"\n$/),
    ]);
  });
});

test("diffusers' names, and files that hold no network", async () => {
  const names = ["conv_in.weight", "time_embedding.linear_1.weight", "conv_norm_out.weight", "down_blocks.0.x"];
  const file = await openNetwork(
    bytesSource(
      "d",
      written(
        joined(
          beside(["betas", [4]]),
          prefixed("ema.unet.", beside(...names.map((n): [string, number[]] => [n, [2]]))),
        ),
      ),
    ),
  );
  expect([...file.tensors.keys()]).toEqual(names);
  const none = await openNetwork(
    bytesSource("n", written(beside(["vae.encoder.down_blocks.0.x", [1]], ["betas", [2]]))),
  );
  expect([...none.tensors.keys()]).toEqual(["vae.encoder.down_blocks.0.x", "betas"]);
});

test("many prefixes and long names take no time", async () => {
  const names = Array.from({ length: 20_000 }, (_, i): [string, number[]] => [`p${i}.input_blocks.0.x`, [0]]);
  const long: [string, number[]][] = [
    ["loss".repeat(50_000), [0]],
    [`${"ema_".repeat(50_000)}.${"a.".repeat(50_000)}`, [0]],
  ];
  const begin = performance.now();
  await openNetwork(bytesSource("many", written(beside(...names, ...long))));
  expect(performance.now() - begin).toBeLessThan(5000);
});

test("convert writes it plain", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repaint-wrapped-"));
  const [from, to] = [join(folder, "in.safetensors"), join(folder, "out.safetensors")];
  await writeFile(from, written(joined(beside(["betas", [10]]), prefixed("_orig_mod."))));
  const { status, err } = await cli(["convert", from, to]);
  expect([status, err]).toEqual([0, expect.stringMatching(/1 of its tensors left out \("betas"\)/)]);
  await expectTensors(await openTensors(bytesSource("out", new Uint8Array(await readFile(to)))), guided);
});
