/** Arguments, help, and what cannot be used: one line, the right status, no file, no stack. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { commands, main } from "../src/cli/main.ts";
import { NoAdapterError, OutOfMemoryError } from "../src/errors.ts";
import { encodePng } from "../src/node/pictures.ts";
import { createPicture } from "../src/pictures/image.ts";
import { writeSafetensors } from "../src/files/safetensors.ts";
import { cli, events, filesIn, folder, golden, shipped } from "./support/cli.ts";

const tiny = golden("unet/new-attention-order.weights.safetensors");
const picture = shipped("examples/1-half-right.png");
const mask = shipped("examples/1-half-right.fill.png");

describe("help and version", () => {
  it("lists every command, and every option of a command", async () => {
    const { status, out, err } = await cli(["--help"]);
    expect([status, err]).toEqual([0, ""]);
    for (const { name, options } of commands) {
      expect(out).toMatch(new RegExp(`^  ${name} +[a-z]`, "m"));
      const help = await cli([name, "--help"]);
      expect(help.status).toBe(0);
      expect(help.out).toContain(`Usage: repaint ${name}`);
      for (const option of options) expect(help.out).toContain(`--${option.name}`);
      for (const line of help.out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
      expect((await cli([name, "-h", "whatever"])).out).toBe(help.out);
    }
  });

  it("tells the package's version", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    expect((await cli(["--version"])).out).toBe(`${version}\n`);
    expect(events((await cli(["--version", "--json"])).out)).toEqual([{ event: "version", version }]);
  });
});

/** Exactly one line on stderr, no stack, and with --json the same as an event and nothing else. */
async function refused(argv: readonly string[], status = 2): Promise<string> {
  const plain = await cli(argv);
  expect(plain).toMatchObject({ status, out: "" });
  expect(plain.err).toMatch(/^repaint: [^\n]+\n$/);
  expect(plain.err).not.toMatch(/ at .*\.ts:\d|\[object|undefined|NaN/);
  const json = await cli([...argv, "--json"]);
  expect(json.status).toBe(status);
  const message = plain.err.slice("repaint: ".length, -1);
  if (!/--json/.test(message))
    expect(events(json.out)).toEqual([{ event: "error", name: expect.any(String), message, exitCode: status }]);
  return message;
}

describe("arguments that cannot be used", () => {
  it.each([
    [[], /a command is needed: inpaint/],
    [["inpiant"], /"inpiant" is no command \(did you mean inpaint\?\)/],
    [["--imgae", "x"], /"--imgae" is no option here/],
    [["inpaint", "--imgae", "x"], /--imgae is no option of `inpaint` \(did you mean --image\?\)/],
    [["inpaint", "-x"], /-x is no option of `inpaint`/],
    [["inpaint", "picture.png"], /takes options only, got "picture.png"/],
    [["inspect"], /`inspect` needs a F/],
    [["inspect", "a", "b"], /takes one F, got "b" too/],
    [["inpaint", "--image"], /--image needs a value/],
    [["inpaint", "--image="], /--image needs a value/],
    [["inpaint", "--seed", "--force"], /--seed needs a value/],
    [["inpaint", "--force=yes"], /--force is a switch/],
    [["inpaint", "--seed", "1", "--seed", "2"], /--seed is given twice/],
    [["unet", "--input", "a"], /--weights is needed/],
    [["replay", "--weights", "a"], /--trace is needed/],
    [["doctor", "--precision", "f32"], /--precision is no option of `doctor`/],
    [["inpaint"], /--image is needed/],
    [["inpaint", "--image", picture], /a mask is needed: --fill F .* or --keep F/],
    [["inpaint", "--image", picture, "--fill", mask, "--keep", mask], /give one of them/],
  ])("%j", async (argv, message) => {
    expect(await refused(argv)).toMatch(message);
  });

  const inpaint = ["inpaint", "--image", picture, "--fill", mask];
  it.each([
    ["--steps 0", /--steps: expected a whole number from 1 .*, got "0"/],
    ["--steps 12.5", /--steps: expected a whole number/],
    ["--steps 1e3", /--steps: expected a whole number/],
    ["--steps 1001", /trained with 1000 noise levels .* 1 to 1000 are possible, got 1001/],
    ["--steps 99999999999999999999", /--steps: expected a whole number/],
    ["--jump-length 0", /--jump-length: expected a whole number/],
    ["--resamples -1", /--resamples: expected a whole number/],
    ["--resamples 1000000 --steps 1000", /has more than 5,000,000 transitions/],
    ["--preset quick", /--preset: expected fast, balanced or paper, got "quick"/],
    ["--preset balancd", /did you mean balanced/],
    ["--precision f64", /--precision: expected f32 or f16, got "f64"/],
    ["--seed -1", /--seed: expected a whole number from 0 to 18446744073709551615/],
    ["--seed 18446744073709551616", /--seed: expected/],
    ["--seed 18446744073709551615 --count 2", /--count 2: the seeds from 18446744073709551615 on would pass/],
    ["--count 0", /--count: expected a whole number from 1 to 10000/],
    ["--region 1,2,3", /--region: expected X,Y,W,H/],
    ["--region 0,0,64,65", /is not inside the picture, which is 64x64/],
    ["--region 0,0,8,8", /holds nothing to fill/],
    ["--region 0,0,40,64", /goes on beyond it: enlarge/],
    ["--feather 300", /--feather: expected a whole number from 0 to 256/],
    [`--weights ${golden("unet/portraits64.weights.safetensors")} --class 1`, /this network knows no classes/],
    ["--preview-every 5", /--preview-every needs --preview-dir/],
    ["--preview-dir previews", /--preview-dir needs --preview-every/],
    ["--flags {", /--flags "\{" is not JSON/],
    ["--flags @nowhere.json", /cannot read --flags @nowhere.json: no such file/],
    ['--flags {"num_hedas":4}', /num_hedas.*num_heads/],
    ["--weights portraits", /neither a file nor a shipped model \(did you mean portraits64\?\)/],
    ["--weights nowhere.safetensors", /cannot read nowhere.safetensors: no such file/],
    ["--weights .", /it is a folder/],
    ["--weights package.json", /expected a checkpoint \(safetensors or PyTorch\), got JSON text/],
    [
      `--weights ${golden("unet/class-cond.weights.safetensors")}`,
      /class-conditional: give --class, a number from 0 to 9/,
    ],
    [
      `--weights ${golden("unet/class-cond.weights.safetensors")} --class 10`,
      /--class: this network knows classes from 0 to 9, got "10"/,
    ],
    [`--weights ${golden("unet/super-res.weights.safetensors")}`, /super-resolution network/],
    [`--weights ${golden("unet/adm.io.safetensors")}`, /inputs or outputs of a network/],
  ])("inpaint %s", async (options, message) => {
    const out = await folder();
    expect(await refused([...inpaint, "--out", join(out, "out.png"), ...options.split(" ")])).toMatch(message);
    expect(await filesIn(out)).toEqual([]);
  });
});

describe("files that cannot be used", () => {
  let here: string;
  beforeAll(async () => {
    here = await mkdtemp(join(tmpdir(), "repaint-cli-"));
    await writeFile(join(here, "small.png"), encodePng(createPicture(16, 16)));
    await writeFile(join(here, "text.png"), "not a picture");
    await writeFile(join(here, "empty.png"), "");
    await writeFile(join(here, "cut.png"), (await readFile(picture)).subarray(0, 500));
    await writeFile(join(here, "cut.safetensors"), (await readFile(tiny)).subarray(0, 100_000));
    await mkdir(join(here, "empty"));
    return () => rm(here, { recursive: true });
  });

  it.each([
    ["--image nowhere.png --fill MASK", /cannot read nowhere.png: no such file/],
    ["--image PICTURE --fill nowhere.png", /cannot read nowhere.png: no such file/],
    ["--image HERE/text.png --fill MASK", /neither a PNG nor a JPEG/],
    ["--image HERE/empty.png --fill MASK", /is empty/],
    ["--image HERE/cut.png --fill MASK", /damaged/],
    ["--image HERE/empty --fill MASK", /has no pictures/],
    ["--image PICTURE --fill HERE/small.png", /the mask is 16x16, the picture 64x64/],
    ["--image PICTURE --fill HERE/empty", /has no mask for 1-half-right.png/],
    ["--image PICTURE --fill MASK --weights HERE/cut.safetensors", /was it cut off\?/],
    ["--image PICTURE --fill MASK --out HERE/small.png", /small.png exists; use --force/],
    ["--image PICTURE --fill MASK --out HERE/new.jpg", /results are PNG.*name it .*new.png/],
    ["--image PICTURE --fill MASK --out HERE/new", /results are PNG.*for a folder/],
    ["--image PICTURE --fill MASK --out HERE/small.png/new.png", /is a file|part of the path is a file/],
    ["--image PICTURE --fill MASK --count 2 --out HERE/small.png", /several results need a folder/],
    ["--image PICTURE --fill MASK --count 2 --out HERE/new.png", /several results need a folder/],
    ["--image PICTURE --image PICTURE --fill MASK --out HERE/new", /would both be written to/],
  ])("inpaint %s", async (options, message) => {
    const before = await filesIn(here);
    const argv = options.replaceAll("HERE", here).replaceAll("PICTURE", picture).replaceAll("MASK", mask).split(" ");
    expect(await refused(["inpaint", ...argv])).toMatch(message);
    expect(await filesIn(here)).toEqual(before);
  });

  it("unet lists everything that is missing or misshapen", async () => {
    const out = await folder();
    const bad = join(out, "bad");
    const write = (tensors: Parameters<typeof writeSafetensors>[0]) => writeFile(bad, writeSafetensors(tensors));
    const argv = [
      "unet",
      "--weights",
      golden("unet/class-cond.weights.safetensors"),
      "--input",
      bad,
      "--output",
      join(out, "o"),
    ];
    await write([{ name: "z", dtype: "F32", shape: [1], data: new Float32Array(1) }]);
    expect(await refused(argv)).toMatch(/x \[N, 3, H, W\] is missing; t \[N\] is missing; y \[N\] is missing/);
    await write([
      { name: "x", dtype: "F32", shape: [2, 3, 3, 4], data: new Float32Array(72) },
      { name: "t", dtype: "F32", shape: [1], data: new Float32Array(1) },
      { name: "y", dtype: "I64", shape: [2, 1], data: new BigInt64Array(2) },
    ]);
    expect(await refused(argv)).toMatch(
      /expected t \[2\], got \[1\]; expected y \[2\], got \[2, 1\]; x: .*multiples of 2/,
    );
    await write([
      { name: "x", dtype: "F32", shape: [1, 3, 4, 4], data: new Float32Array(48) },
      { name: "t", dtype: "F32", shape: [1], data: new Float32Array(1) },
      { name: "y", dtype: "I64", shape: [1], data: BigInt64Array.of(10n) },
    ]);
    expect(await refused(argv)).toMatch(/y: expected classes from 0 to 9, got 10$/);
    expect(await filesIn(out)).toEqual(["bad"]);
  });

  it.each([
    [undefined, /case is missing/],
    ["{", /case is not JSON/],
    ["[]", /should be an object/],
    ["{}", /neither times nor sched/],
    ['{"times":[1,0,-1],"classifier":"c"}', /recorded with the guidance of a classifier.*give it with --classifier/],
    ['{"times":[1,5,-1]}', /neighbouring|must be from/],
    ['{"times":"all"}', /must be a list/],
    ['{"sched":{"t_T":2}}', /jump_length must be a positive integer/],
    ['{"times":[1,0,-1],"beta_schedule":"sqrt"}', /neither linear nor cosine/],
    ['{"sampler":"euler","times":[1,0,-1]}', /the sampler "euler": expected repaint or langevin/],
    ['{"sampler":"langevin","inner":2}', /has no respacing such as "10", which says the levels/],
    [
      '{"times":[1,0,-1],"respacing":"2"}',
      /gt \[N, 3, H, W\] is missing; keep_mask .* is missing; noise .* is missing/,
    ],
  ])("replay with the case %s", async (text, message) => {
    const out = await folder();
    const trace = join(out, "trace");
    await writeFile(
      trace,
      writeSafetensors(
        [{ name: "z", dtype: "F32", shape: [1], data: new Float32Array(1) }],
        text ? { case: text } : {},
      ),
    );
    expect(await refused(["replay", "--weights", tiny, "--trace", trace, "--output", join(out, "o")])).toMatch(message);
    expect(await filesIn(out)).toEqual(["trace"]);
  });
});

describe("errors of the machine and of ours", () => {
  const failing = async (error: Error, debug = "") => {
    let err = "";
    const stream = { write: (text: string) => (err += text) };
    vi.stubEnv("REPAINT_DEBUG", debug);
    try {
      const openDevice = () => Promise.reject(error);
      return { status: await main(["doctor"], { stdout: { write: () => true }, stderr: stream, openDevice }), err };
    } finally {
      vi.unstubAllEnvs();
    }
  };

  it("have their status, and one line each", async () => {
    expect(await failing(new NoAdapterError("none:\n  install"))).toEqual({
      status: 3,
      err: "repaint: none: install\n",
    });
    expect(await failing(new OutOfMemoryError("full"))).toEqual({ status: 5, err: "repaint: full\n" });
    expect((await failing(new RangeError("Array buffer allocation failed"))).status).toBe(5);
  });

  it("ask for a report where they are ours, and show a stack on request only", async () => {
    const { status, err } = await failing(new TypeError("oops"));
    expect([status, err]).toEqual([1, expect.stringMatching(/^repaint: oops\nrepaint: .*please report it.*\n$/)]);
    expect((await failing(new TypeError("oops"), "1")).err).toMatch(/\n {4}at /);
  });
});
