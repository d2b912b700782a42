/** `repaint kernel`: the text of every kernel, what changes it, and what cannot be asked. No device. */
import { describe, expect, it } from "vitest";
import { renderKernel, type Kernel } from "../src/engine/kernel.ts";
import { kernels } from "../src/shaders/index.ts";
import { cli, events } from "./support/cli.ts";

/** The text on stdout; stderr has the line that says which variant it is. */
async function text(...argv: string[]): Promise<string> {
  const { status, out, err } = await cli(["kernel", ...argv]);
  expect({ status, err }).toEqual({
    status: 0,
    err: expect.stringMatching(/^\w+ on [\w+]+, f(32|16): variant \{.*\n$/),
  });
  return out;
}

describe("a kernel's text", () => {
  it.each(Object.keys(kernels))("%s is rendered as its plan has it", async (name) => {
    const [event, ...more] = events((await cli(["kernel", name, "--json"])).out) as unknown as {
      event: string;
      name: string;
      variant: Record<string, string>;
      types: Record<string, "f32">;
      wgsl: string;
    }[];
    expect(event).toMatchObject({ event: "kernel" });
    expect(more).toEqual([]);
    const kernel = (kernels as unknown as Record<string, Kernel>)[name]!;
    const { variant, types, wgsl } = event!;
    expect(wgsl).toBe(renderKernel(kernel, variant, types, "native"));
    expect(wgsl).toContain(`// ${name}\n`);
    expect(wgsl).toMatch(/@compute @workgroup_size\(\d+\)\nfn main\(/);
  });

  it("follows variant, types, family and storage", async () => {
    const plain = await text("reverseStep");
    expect(plain).toContain("parameters.startFromX * state");
    expect(plain).toContain("clamp(start");
    expect(await text("reverseStep", "--variant", '{"clip":false}')).not.toContain("clamp(start");
    const half = await text("groupNormApply", "--types", '{"x0":"f16","x1":null}');
    expect(half).toContain("enable f16;");
    expect(half).toContain("x0: array<vec4<f16>>");
    expect(half).not.toContain("load_x1");
    const packed = await text("groupNormApply", "--types", '{"x0":"f16"}', "--half", "packed");
    expect(packed).toContain("x0: array<vec2<u32>>");
    expect(await text("attention", "--for", "cpu")).not.toBe(await text("attention", "--for", "mobile"));
    expect(await text("groupNormApply", "--precision", "f16")).toContain("enable f16;");
    expect(await text("convolutionMatrix")).toContain("subgroup_matrix");
  });
});

describe("the list", () => {
  it("has every kernel with bindings, parameters and variants", async () => {
    const { status, out, err } = await cli(["kernel"]);
    expect([status, err]).toEqual([0, ""]);
    expect(out.match(/^\w+$/gm)).toEqual(Object.keys(kernels));
    expect(out).toMatch(/^groupNormApply\n {2}bindings {4}x0 read, x1\? read, affine read, y write\n/m);
    expect(out).toMatch(/^ {2}variants {4}activation (none\|silu|silu\|none)\n/m);
    const listed = events((await cli(["kernel", "--json"])).out);
    expect(listed.map(({ name }) => name)).toEqual(Object.keys(kernels));
    for (const { variants } of listed) expect((variants as unknown[]).length).toBeGreaterThanOrEqual(1);
  });
});

describe("what cannot be asked", () => {
  it.each([
    [["reverseSteps"], /"reverseSteps" is no kernel \(did you mean reverseStep\?\)/],
    [["toString"], /"toString" is no kernel/],
    [["relu", "relu"], /`kernel` takes one \[NAME\], got "relu" too/],
    [["--half", "packed"], /--half is of one kernel: repaint kernel NAME/],
    [["relu", "--for", "voodoo"], /--for: expected nvidia, cpu, .* or other, got "voodoo"/],
    [["relu", "--variant", "{"], /--variant: expected a JSON object, got "\{"/],
    [["relu", "--variant", "[1]"], /--variant: expected a JSON object/],
    [["relu", "--variant", '{"a":1}'], /relu has no "a"; this kernel has no variants/],
    [
      ["attention", "--variant", '{"querie":1}'],
      /attention has no "querie" \(did you mean queries\?\); it has queries/,
    ],
    [
      ["attention", "--variant", '{"queries":1e9}'],
      /expected a whole number from 0 to 4096 for queries, such as \d+, got/,
    ],
    [["attention", "--variant", '{"queries":"4"}'], /expected a whole number .* got "4"/],
    [["relu", "--types", '{"z":"f16"}'], /relu has no binding "z".*; it has x, y/],
    [["relu", "--types", '{"x":null}'], /x can be f32 or f16, got null/],
    [["gaussianNoise", "--types", '{"seeds":"f16"}'], /seeds can be u32, got/],
    [["timestepEmbedding", "--types", '{"y":"f16"}', "--half", "packed"], /cannot be rendered: .* without shader-f16/],
    [["convolutionMatrix", "--for", "cpu"], /no network runs convolutionMatrix on cpu; leave out --for/],
  ])("%j", async (argv, message) => {
    const { status, out, err } = await cli(["kernel", ...argv]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toMatch(/^repaint: [^\n]+\n$/);
    expect(err).toMatch(message);
  });
});
