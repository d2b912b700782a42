/**
 * What people do wrong with the API, as a table: each gets an error of ours that says what was expected and what came.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InputError, RePaintError } from "../src/errors.ts";
import { drawKeepMask, keepMask, RePaint, requestDevice, scheduleTimes, spendCalls } from "../src/index.ts";
import { openModelFile } from "../src/node/modelFile.ts";
import { runtime, setRuntime } from "../src/repaint/runtime.ts";
import { gpuDevice } from "./support/gpu.ts";
import { tinyNetwork, tinySize as size } from "./support/tinyNetwork.ts";

const device = await gpuDevice();
const weights = tinyNetwork();
let repaint: RePaint;
let disposed: RePaint;
beforeAll(async () => {
  repaint = await RePaint.load(weights, { device });
  disposed = await RePaint.load(weights, { device });
  disposed.dispose();
});
afterAll(() => repaint.dispose());

const picture = { width: size, height: size, data: new Uint8ClampedArray(4 * size ** 2) };
const keep = { width: size, height: size, data: new Float32Array(size ** 2) };
const sampling = { sampler: "repaint", steps: 2, jumpLength: 1, resamples: 1 };
const job = { picture, keep, seed: 1n };
/** As JavaScript calls it, without types. */
// oxlint-disable-next-line typescript/no-explicit-any -- what is called here does not compile
type Untyped = any;
const load = (source: unknown, options?: unknown) => RePaint.load(source as Untyped, options as Untyped);
const inpaint = (jobs: unknown, options: unknown = { sampling }) =>
  repaint.inpaint(jobs as Untyped, options as Untyped);
const with_ = (change: object) => inpaint([Object.assign({}, job, change)]);

type Misuse = readonly [name: string, call: () => unknown, message: RegExp];

const loading: readonly Misuse[] = [
  ["nothing", () => load(undefined), /^a model: expected its address, .* got undefined$/],
  ["null", () => load(null), /got null$/],
  ["an empty object", () => load({}), /got an object without them$/],
  ["a number", () => load(64), /got a number$/],
  ["a promise of bytes", () => load(Promise.resolve(new Uint8Array(8))), /got a promise \(await it first\)$/],
  ["a list of bytes", () => load([1, 2, 3]), /got an Array$/],
  ["another typed array", () => load(new Float32Array(8)), /got a Float32Array$/],
  ["a Response", () => load(new Response("x")), /got a Response$/],
  ["no bytes", () => load(new Uint8Array()), /./],
  ["bytes of something else", () => load(new TextEncoder().encode("<!doctype html><title>404</title>")), /./],
  ["a cut file", () => load(weights.subarray(0, 5000)), /./],
  ["an address that is none", () => load("http://"), /./],
  ["a server that is not there", () => load("http://127.0.0.1:9/x.safetensors", { download: { cache: false, retries: 0 } }), /cannot be (fetched|reached)/], // prettier-ignore
  [
    "a GPUDevice for a device",
    () => load(weights, { device: device.gpu }),
    /^device: expected a Device, .* got a GPUDevice$/,
  ],
  ["a precision that is none", () => load(weights, { device, precision: "f64" }), /f64/],
  ["a string for a device", () => load(weights, { device: "gpu" }), /^device: expected .* got a string$/],
];

const jobs: readonly Misuse[] = [
  ["nothing", () => inpaint(undefined), /expected \{ picture, keep \}, got undefined$/],
  ["null", () => inpaint(null), /got null$/],
  ["no job at all", () => inpaint([]), /got none$/],
  ["an empty object", () => inpaint({}), /^picture: expected an ImageData, .* got undefined$/],
  [
    "a path for a picture",
    () => with_({ picture: "portrait.png" }),
    /^picture: expected an ImageData, an image, canvas or file, or .* got a string$/,
  ],
  ["an address for a picture", () => with_({ picture: new URL("http://a/b.png") }), /got an URL|got a URL/],
  [
    "a Blob for a picture",
    () => with_({ picture: new Blob([]) }),
    /^picture: a Blob is read in pages only; in Node, readPicture\(\)/,
  ],
  ["floats for a picture", () => with_({ picture: { width: size, height: size, data: new Float32Array(4 * size ** 2) } }), /^picture: .* with a Float32Array$/], // prettier-ignore
  ["no size of the picture", () => with_({ picture: { data: picture.data } }), /^picture: expected a width/],
  ["half a picture", () => with_({ picture: { width: size, height: size, data: picture.data.subarray(8) } }), /^picture: .* needs/], // prettier-ignore
  ["no keep", () => inpaint([{ picture, seed: 1n }]), /^keep: expected .* 1 = known; .* got undefined$/],
  ["keep and fill", () => with_({ fill: keep }), /^keep and fill say the same thing in two ways: give one of them$/],
  [
    "a path for fill",
    () => inpaint({ picture, fill: "holes.png" }),
    /^fill: expected .* 1 = to be filled, got a string$/,
  ],
  ["half a mask picture", () => with_({ keep: { width: size, height: size, data: picture.data.subarray(8) } }), /^keep: .* needs .*4 a pixel/], // prettier-ignore
  ["a path for keep", () => with_({ keep: "holes.png" }), /^keep: .* got a string$/],
  ["keep of another size", () => with_({ keep: { width: 2, height: 2, data: new Float32Array(4) } }), /^the mask is 2x2, the picture .*same size/], // prettier-ignore
  ["bytes for keep", () => with_({ keep: { width: size, height: size, data: new Uint8Array(size ** 2) } }), /^keep: .* needs .*4 a pixel.*, got/], // prettier-ignore
  ["a list of numbers for keep", () => with_({ keep: { width: 1, height: 1, data: [1] } }), /^keep: /],
  ["the second job is wrong", () => inpaint([job, { picture }]), /^job 1: keep: expected/],
  ["a string for a seed", () => with_({ seed: "7" }), /^seed: expected a whole number .* got a string$/],
  ["half a seed", () => with_({ seed: 0.5 }), /^seed: .* got 0.5$/],
  ["a negative seed", () => with_({ seed: -1n }), /^seed: .* got -1n$/],
  ["a seed that is too large", () => with_({ seed: 2n ** 64n }), /^seed: /],
  ["a number beyond 2^53 for a seed", () => with_({ seed: 2 ** 60 }), /beyond 2\^53 a bigint/],
  ["null for a seed", () => with_({ seed: null }), /^seed: .* got null$/],
  ["a class of a network without classes", () => with_({ class: 3 }), /class/],
];

const settings: readonly Misuse[] = [
  ["a preset that is none", () => inpaint([job], { sampling: "slow" }), /^preset: expected one of .* got/],
  ["a number", () => inpaint([job], { sampling: 5 }), /^sampling: expected a preset's name/],
  ["a schedule without its sampler", () => inpaint([job], { sampling: { steps: 5 } }), /^sampling: .*sampler/],
  ["a setting of another sampler", () => inpaint([job], { sampling: { sampler: "repaint", steps: 5, jumpLength: 1, resamples: 1, inner: 2 } }), /no setting "inner"/], // prettier-ignore
  ["no steps", () => inpaint([job], { sampling: { sampler: "repaint", steps: 0, jumpLength: 1, resamples: 1 } }), /^respacing|^steps/], // prettier-ignore
  ["too many steps", () => inpaint([job], { sampling: { sampler: "repaint", steps: 5000, jumpLength: 1, resamples: 1 } }), /5000/], // prettier-ignore
  ["a batch of none", () => inpaint([job], { sampling, batch: 0 }), /^batch: expected/],
  ["a negative feather", () => inpaint([job], { sampling, feather: -1 }), /feather/],
  ["a region outside of the picture", () => inpaint([job], { sampling, region: { x: 900, y: 0, width: 9, height: 9 } }), /region|crop/], // prettier-ignore
  ["guidance without a classifier", () => inpaint([job], { sampling, classifierScale: 2 }), /^classifierScale: no classifier/], // prettier-ignore
  ["after dispose()", () => disposed.inpaint([job] as Untyped), /^this RePaint was disposed of/],
  ["a sample after dispose()", () => disposed.sample([{ seed: 1n }]), /^this RePaint was disposed of/],
  ["calls of a preset that is none", () => repaint.modelCalls("slow" as Untyped), /^preset: expected/],
];

const others: readonly Misuse[] = [
  ["keepMask of nothing", () => keepMask(undefined as Untyped, "fill"), /^mask: expected .* got no data$/],
  ["keepMask of a mask", () => keepMask(keep as Untyped, "fill"), /^mask: /],
  ["a pattern that is none", () => drawKeepMask("circle" as Untyped, { width: 8, height: 8, seed: 1n }), /circle/],
  ["a mask without a size", () => drawKeepMask("half", { seed: 1n } as Untyped), /width/],
  ["a schedule of nothing", () => scheduleTimes({} as Untyped), /steps/],
  ["a strategy that is none", () => (spendCalls as Untyped)("luck", 100), /./],
  ["no adapter", () => requestDevice(null as Untyped), /GPUAdapter/],
];

async function failure(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

async function refuses(_: string, call: () => unknown, message: RegExp): Promise<void> {
  const error = await failure(call);
  expect(error).toBeInstanceOf(RePaintError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toMatch(/undefined \(reading|is not a function|\n/);
}

describe.each([
  ["inpaint refuses", jobs],
  ["inpaint refuses for its settings", settings],
  ["of the others,", others],
] as const)("%s", (_, misuses) => {
  test.each(misuses)("%s", refuses);
});

/** Other files' tests run in the same process: with the former runtime they would be another test. */
describe.each([
  ["a page", undefined],
  ["Node", { openFile: openModelFile, openDevice: gpuDevice }],
] as const)("in %s", (_, given) => {
  const before = runtime();
  beforeAll(() => setRuntime(given));
  afterAll(() => setRuntime(before));

  test.each(loading)("RePaint.load takes no model from %s", refuses);
});

test("the table has fifty", () => {
  expect(loading.length + jobs.length + settings.length + others.length).toBeGreaterThanOrEqual(50);
});

describe("what is forgiven", () => {
  test("one job instead of a list, a number for a seed, and none at all", async () => {
    const one = await inpaint(job).then(({ pictures }) => pictures[0]!.data);
    const numbered = await inpaint({ picture, keep, seed: 1 });
    expect(numbered.pictures[0]!.data).toEqual(one);
    expect(numbered.seeds).toEqual([1n]);
    const random = await inpaint([
      { picture, keep },
      { picture, keep, seed: undefined },
    ]);
    expect(random.seeds[0]).not.toBe(random.seeds[1]);
    const again = await inpaint({ picture, keep, seed: random.seeds[1] });
    expect(again.pictures[0]!.data).toEqual(random.pictures[1]!.data);
  });

  test("a mask picture, and a mask of what is to be filled", async () => {
    const white = { width: size, height: size, data: new Uint8ClampedArray(4 * size ** 2).fill(255) };
    white.data.fill(0, 0, 2 * size ** 2);
    const floats = Float32Array.from({ length: size ** 2 }, (_, i) => (i < size ** 2 / 2 ? 0 : 1));
    const half = { width: size, height: size, data: floats };
    const other = { width: size, height: size, data: floats.map((value) => 1 - value) };
    const filled = async (mask: object) => {
      const { pictures } = await inpaint(Object.assign({ picture, seed: 1 }, mask));
      return pictures[0]!.data;
    };
    const expected = await filled({ keep: half });
    expect(expected).not.toEqual(picture.data);
    expect(await filled({ keep: white })).toEqual(expected);
    expect(await filled({ fill: other })).toEqual(expected);
    expect(await filled({ fill: white })).toEqual(await filled({ keep: other }));
  });

  test("a run is a promise: catch and finally", async () => {
    let ended = 0;
    const error = await inpaint({}).catch((error: unknown) => error);
    await inpaint(job).finally(() => ended++);
    expect(error).toBeInstanceOf(InputError);
    expect(ended).toBe(1);
  });
});
