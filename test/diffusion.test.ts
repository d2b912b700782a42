/** Coefficients: the program's own numbers, the identities that define them, and clear refusals. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import {
  climbCoefficients,
  createDiffusion,
  type Diffusion,
  type DiffusionOptions,
  forwardCoefficients,
  requireSteps,
  reverseCoefficients,
  startCoefficients,
} from "../src/repaint/diffusion.ts";
import { PRESETS } from "../src/repaint/sampling.ts";
import goldens from "./goldens/repaint/coefficients.json" with { type: "json" };

const GOLDEN_NAMES = {
  betas: "betas",
  alphas_cumprod: "alphaBar",
  alphas_cumprod_prev: "alphaBarPrevious",
  sqrt_recip_alphas_cumprod: "sqrtRecipAlphaBar",
  sqrt_recipm1_alphas_cumprod: "sqrtRecipMinusOneAlphaBar",
  posterior_mean_coef1: "posteriorMeanCoefficientX0",
  posterior_mean_coef2: "posteriorMeanCoefficientXt",
  posterior_log_variance_clipped: "posteriorLogVarianceClipped",
} as const;

/** Relative, each element, NaN and a wrong length included. */
function expectClose(made: ArrayLike<number>, wanted: ArrayLike<number>, what: string, tolerance = 1e-12): void {
  expect(made.length, what).toBe(wanted.length);
  let worst = { error: 0, index: -1 };
  for (let i = 0; i < wanted.length; i++) {
    const error = made[i] === wanted[i] ? 0 : Math.abs(made[i]! - wanted[i]!) / Math.abs(wanted[i]!);
    if (!(error <= worst.error)) worst = { error, index: i };
  }
  expect(worst.error, `${what}[${worst.index}]`).toBeLessThanOrEqual(tolerance);
}

const randomDiffusion = fc
  .record({
    noiseSchedule: fc.constantFrom("linear", "cosine"),
    diffusionSteps: fc.integer({ min: 21, max: 4000 }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    rescaleTimesteps: fc.boolean(),
  })
  .map(({ share, ...options }): DiffusionOptions => {
    return { ...options, respacing: String(Math.ceil(options.diffusionSteps * share)) };
  });

const linear = (respacing = ""): Diffusion =>
  createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing });

describe("golden coefficients", () => {
  test.each(goldens)("linear, respacing $respacing", (golden) => {
    const diffusion = linear(golden.respacing);
    expect(diffusion.timestepMap).toEqual(golden.timestep_map);
    expect(diffusion.steps).toBe(golden.timestep_map.length);
    for (const [theirs, ours] of Object.entries(GOLDEN_NAMES)) {
      expectClose(diffusion[ours], golden[theirs as keyof typeof GOLDEN_NAMES], ours);
    }
  });

  // From guided-diffusion's formulas in numpy float64; steps 0, 1, the middle and the last.
  test.each([
    {
      diffusionSteps: 1000,
      respacing: "",
      betas: [4.128422482196914e-5, 4.614175273665033e-5, 0.003155691441585007, 0.999],
      alphaBar: [0.999958715775178, 0.9999125759273678, 0.49228517244880304, 2.4287669070348567e-9],
      posteriorLogVarianceClipped: [
        -10.734082532465003, -10.734082532465003, -5.761621845147288, -0.0010029266746731796,
      ],
      fixedLargeLogVariance: [-10.734082532465003, -9.983792318583204, -5.758547649604236, -0.0010005003335835344],
    },
    {
      diffusionSteps: 4000,
      respacing: "250",
      betas: [9.865818813681315e-6, 0.00019912584970249725, 0.013327686077838297, 0.9999960936996057],
      alphaBar: [0.9999901341811863, 0.9997910102960234, 0.49033725817664037, 1.5179804688525007e-10],
      posteriorLogVarianceClipped: [-11.57478237211966, -11.57478237211966, -4.330992452783822, -4.2766709962386274e-5],
      fixedLargeLogVariance: [-11.57478237211966, -8.521573522561761, -4.317911747418601, -3.906308023874239e-6],
    },
  ])("cosine, $diffusionSteps steps, respacing $respacing", ({ diffusionSteps, respacing, ...wanted }) => {
    const diffusion = createDiffusion({ noiseSchedule: "cosine", diffusionSteps, respacing });
    const picked = [0, 1, diffusion.steps / 2, diffusion.steps - 1];
    for (const [name, values] of Object.entries(wanted)) {
      const vector = diffusion[name as keyof typeof wanted];
      expectClose(
        Float64Array.from(picked, (k) => vector[k]!),
        values,
        name,
      );
    }
  });
});

describe("what the coefficients mean", () => {
  test("the posterior carries x₀ and noise from level k to level k − 1; every vector is finite", () => {
    fc.assert(
      fc.property(randomDiffusion, (options) => {
        const d = createDiffusion(options);
        for (let k = 0; k < d.steps; k++) {
          const meanX0 = d.posteriorMeanCoefficientX0[k]!;
          const meanXt = d.posteriorMeanCoefficientXt[k]!;
          const below = d.alphaBarPrevious[k]!;
          expect(meanX0 + meanXt * Math.sqrt(d.alphaBar[k]!)).toBeCloseTo(Math.sqrt(below), 9);
          expect(meanXt ** 2 * (1 - d.alphaBar[k]!) + d.posteriorVariance[k]!).toBeCloseTo(1 - below, 9);
        }
        for (const vector of Object.values(d)) {
          if (!(vector instanceof Float64Array)) continue;
          expect(vector).toHaveLength(d.steps);
          expect(vector.every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("respacing keeps the noise level of every timestep it keeps", () => {
    fc.assert(
      fc.property(randomDiffusion, (options) => {
        const short = createDiffusion(options);
        const full = createDiffusion({ ...options, respacing: "" });
        const kept = Float64Array.from(short.timestepMap, (timestep) => full.alphaBar[timestep]!);
        expectClose(short.alphaBar, kept, "alphaBar", 1e-9);
      }),
      { numRuns: 50 },
    );
  });

  test("the model receives original timesteps, scaled to 1000 when asked", () => {
    const options = { noiseSchedule: "cosine", diffusionSteps: 4000, respacing: "5" } as const;
    expect([...createDiffusion(options).modelTimesteps]).toEqual([0, 1000, 2000, 2999, 3999]);
    const rescaled = createDiffusion({ ...options, rescaleTimesteps: true });
    expect([...rescaled.modelTimesteps]).toEqual([0, 250, 500, 749.75, 999.75]);
    expect(rescaled.timestepMap).toEqual([0, 1000, 2000, 2999, 3999]);
  });

  test("a reverse step reads the variance its type asks for, and adds no noise at 0", () => {
    const d = linear("250");
    const log = Math.log;
    for (const k of [0, 1, 2, 249]) {
      const tilde = d.posteriorVariance[Math.max(k, 1)]!;
      const range = reverseCoefficients(d, k, { kind: "ddpm", variance: "learned-range" });
      expect(range.minLogVariance).toBe(log(tilde));
      expect(range.maxLogVariance).toBe(log(d.betas[k]!));
      const large = reverseCoefficients(d, k, { kind: "ddpm", variance: "fixed-large" });
      expect(large.minLogVariance).toBe(log(k === 0 ? tilde : d.betas[k]!));
      expect(large.maxLogVariance).toBe(large.minLogVariance);
      const small = reverseCoefficients(d, k, { kind: "ddpm", variance: "fixed-small" });
      expect(small.minLogVariance).toBe(log(tilde));
      expect(small.maxLogVariance).toBe(small.minLogVariance);
      expect(range).toMatchObject({
        meanX0: d.posteriorMeanCoefficientX0[k],
        meanXt: d.posteriorMeanCoefficientXt[k],
        noiseScale: k === 0 ? 0 : 1,
      });
    }
  });

  test("x̂₀ is the picture's, whether a network predicts ε, x₀ or v", () => {
    const cases = randomDiffusion.chain((options) => {
      const d = createDiffusion(options);
      return fc.tuple(fc.constant(d), fc.nat(d.steps - 1));
    });
    fc.assert(
      fc.property(cases, ([d, k]) => {
        const [start, epsilon] = [0.3, -1.7];
        const [signal, noise] = [Math.sqrt(d.alphaBar[k]!), Math.sqrt(1 - d.alphaBar[k]!)];
        const x = signal * start + noise * epsilon;
        const outputs = { epsilon, xStart: start, v: signal * epsilon - noise * start };
        for (const [prediction, out] of Object.entries(outputs)) {
          const made = startCoefficients(d, k, prediction as keyof typeof outputs);
          // ε is divided by √ᾱ, which all but vanishes at the last levels.
          const digits = prediction === "epsilon" ? 10 + Math.log10(signal) : 12;
          expect(made.startFromX * x - made.startFromOut * out).toBeCloseTo(start, digits);
        }
      }),
    );
    expect(() => startCoefficients(linear("10"), 10, "v")).toThrow(RangeError);
  });

  test("DDIM's step is its formula through ε, and at η = 1 the posterior with the smallest variance", () => {
    const cases = randomDiffusion.chain((options) => {
      const d = createDiffusion(options);
      return fc.tuple(fc.constant(d), fc.nat(d.steps - 1), fc.double({ min: 0, max: 1, noNaN: true }));
    });
    const [x, start] = [0.7, -0.4];
    fc.assert(
      fc.property(cases, ([d, k, eta]) => {
        const [now, before] = [d.alphaBar[k]!, d.alphaBarPrevious[k]!];
        const sigma = eta * Math.sqrt((1 - before) / (1 - now)) * Math.sqrt(1 - now / before);
        const epsilon = (x - Math.sqrt(now) * start) / Math.sqrt(1 - now);
        const mean = Math.sqrt(before) * start + Math.sqrt(Math.max(0, 1 - before - sigma ** 2)) * epsilon;
        const made = reverseCoefficients(d, k, { kind: "ddim", eta });
        expect(made.meanX0 * start + made.meanXt * x).toBeCloseTo(mean, 10);
        expect(made.noiseScale * Math.exp(made.minLogVariance / 2)).toBeCloseTo(sigma, 10);
        expect(Object.values(made).every(Number.isFinite)).toBe(true);
        const ddim = reverseCoefficients(d, k, { kind: "ddim", eta: 1 });
        const ddpm = reverseCoefficients(d, k, { kind: "ddpm", variance: "fixed-small" });
        expect(ddim.meanX0).toBeCloseTo(ddpm.meanX0, 8);
        expect(ddim.meanXt).toBeCloseTo(ddpm.meanXt, 8);
        if (k > 0) expect(Math.exp(ddim.minLogVariance)).toBeCloseTo(Math.exp(ddpm.minLogVariance), 10);
      }),
    );
  });

  test("a run of one step has finite coefficients and returns x̂₀", () => {
    const only = reverseCoefficients(linear("1"), 0, { kind: "ddpm", variance: "learned-range" });
    expect(only).toMatchObject({ meanX0: 1, meanXt: 0, noiseScale: 0 });
    expect(Object.values(only).every(Number.isFinite)).toBe(true);
  });

  test("a climb goes from one noise level to the other, in one step as in many", () => {
    const climb = randomDiffusion.chain((options) => {
      const d = createDiffusion(options);
      return fc.tuple(fc.constant(d), fc.nat(d.steps - 1), fc.nat(d.steps - 1));
    });
    fc.assert(
      fc.property(climb, ([d, a, b]) => {
        fc.pre(a !== b);
        const [from, to] = a < b ? [a, b] : [b, a];
        const { signal, noise } = climbCoefficients(d, from, to);
        const start = forwardCoefficients(d, from);
        const end = forwardCoefficients(d, to);
        expectClose([signal * start.signal], [end.signal], "signal", 1e-9);
        expectClose([Math.hypot(signal * start.noise, noise)], [end.noise], "noise", 1e-9);
        let [stepped, variance] = [1, 0];
        for (let i = from; i < to; i++) {
          const one = climbCoefficients(d, i, i + 1);
          expect(one.noise).toBe(Math.sqrt(d.betas[i + 1]!));
          stepped *= one.signal;
          variance = variance * one.signal ** 2 + one.noise ** 2;
        }
        expectClose([signal, noise], [stepped, Math.sqrt(variance)], "single climbs", 1e-11);
      }),
      { numRuns: 100 },
    );
  });

  test("the betas of a climb are the targets' or, as Algorithm 1 lists them, the sources'", () => {
    const d = linear("100");
    const [b3, b4, b5] = [d.betas[3]!, d.betas[4]!, d.betas[5]!];
    const target = climbCoefficients(d, 3, 5);
    expectClose([target.signal, target.noise], pair((1 - b4) * (1 - b5)), "target");
    const source = climbCoefficients(d, 3, 5, { beta: "source" });
    expectClose([source.signal, source.noise], pair((1 - b3) * (1 - b4)), "source");
    expect(climbCoefficients(d, 3, 5, { beta: "target" })).toEqual(target);

    function pair(product: number): number[] {
      return [Math.sqrt(product), Math.sqrt(1 - product)];
    }
  });

  test("steps outside the diffusion are our mistake, not NaN", () => {
    const d = linear("10");
    for (const k of [-1, 10, 0.5, Number.NaN]) {
      expect(() => reverseCoefficients(d, k, { kind: "ddpm", variance: "fixed-small" })).toThrow(RangeError);
      expect(() => forwardCoefficients(d, k)).toThrow(RangeError);
      expect(() => climbCoefficients(d, k, 11)).toThrow(RangeError);
      expect(() => climbCoefficients(d, 0, k)).toThrow(RangeError);
    }
    expect(() => climbCoefficients(d, 8, 10, { beta: "source" })).toThrow(RangeError);
    expect(() => climbCoefficients(d, 5, 5)).toThrow(/a climb must rise, got 5 to 5/);
    expect(() => climbCoefficients(d, 0.5, 5)).toThrow(RangeError);
  });
});

describe("refusals", () => {
  test.each<[object, RegExp]>([
    [{ noiseSchedule: "sqrt" }, /^the noise schedule must be "linear" or "cosine", got "sqrt"$/],
    [{ noiseSchedule: undefined }, /^the noise schedule must be/],
    [{ diffusionSteps: 20 }, /^the linear noise schedule needs at least 21 diffusion steps, got 20;/],
    [{ diffusionSteps: 0 }, /^the diffusion steps must be an integer from 1 to 100000, got 0$/],
    [{ diffusionSteps: 1e9 }, /got 1000000000$/],
    [{ diffusionSteps: 10.5 }, /got 10.5$/],
    [{ diffusionSteps: Number.NaN }, /got NaN$/],
    [{ respacing: "1001" }, /takes 1001 timesteps/],
  ])("createDiffusion(%j)", (wrong, message) => {
    const options = { noiseSchedule: "linear", diffusionSteps: 1000, ...wrong } as DiffusionOptions;
    expect(() => createDiffusion(options)).toThrow(InputError);
    expect(() => createDiffusion(options)).toThrow(message);
  });

  test("the shortest diffusions that have betas work", () => {
    expect(createDiffusion({ noiseSchedule: "linear", diffusionSteps: 21 }).betas.every((b) => b > 0 && b < 1)).toBe(
      true,
    );
    expect([...createDiffusion({ noiseSchedule: "cosine", diffusionSteps: 1 }).betas]).toEqual([1 - (1 - 0.999)]);
  });

  test("a schedule of other steps than the diffusion's is refused with the reason", () => {
    expect(() => requireSteps(linear("250"), PRESETS.paper)).not.toThrow();
    expect(() => requireSteps(linear("250"), { steps: 100 })).toThrow(InputError);
    expect(() => requireSteps(linear("250"), { steps: 100 })).toThrow(
      /has 100 steps but the respaced diffusion has 250, .* another noise level; set the respacing to "100" or .* 250$/,
    );
    expect(() => requireSteps(linear(), { steps: 999 })).toThrow(InputError);
  });
});
