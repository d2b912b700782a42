/**
 * The packed declarations in strict projects without skipLibCheck: frameworks' templates, a page, and Node without
 * lib.dom.
 */
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { packages } from "../support/hosts.ts";
import { execute, removeUserProjects, userProject } from "../support/userProject.ts";

const listener = `({ detail }) => void detail.step.toFixed()`;
const jsx = (framework: string, props: string, on: string) => `import "repaint-webgpu/${framework}";
export const right = () => <repaint-inpaint src="a.png" variations={4} ${props} ${on}repaint-progress={${listener}} />;
// @ts-expect-error no attribute
export const wrong = () => <repaint-inpaint sauce="a.png" />;
// @ts-expect-error no number
export const none = () => <repaint-inpaint variations={{}} />;
`;
const all = `seed={7n} class-label={3} settings={{ sampling: "fast" }}`;
const files = {
  "react.tsx": jsx("react", `className="x" ${all}`, "on"),
  "preact.tsx": jsx("preact", `class="x" ${all}`, "on"),
  "solid.tsx": jsx("solid", `class="x"`, "on:"),
  "vue.ts": `import "repaint-webgpu/vue";
import type { GlobalComponents } from "vue";
type Props = InstanceType<GlobalComponents["repaint-inpaint"]>["$props"];
export const right: Props = { src: "a.png", variations: 4, "onRepaint-progress": ${listener} };
// @ts-expect-error no number
export const wrong: Props = { variations: {} };
`,
  "svelte.ts": `import "repaint-webgpu/svelte";
import type { SvelteHTMLElements } from "svelte/elements";
type Props = SvelteHTMLElements["repaint-inpaint"];
export const right: Props = { src: "a.png", variations: 4, class: "x", "onrepaint-progress": ${listener} };
// @ts-expect-error no number
export const wrong: Props = { variations: {} };
`,
  "page.ts": `import "repaint-webgpu/element";
import { createEngineClient } from "repaint-webgpu/client";
const element = document.querySelector("repaint-inpaint")!;
element.variations = 4;
element.settings = { ...element.settings, seed: 8n };
const heard = ({ detail }: { detail: { step: number } }) => console.log(detail.step);
element.addEventListener("repaint-progress", heard);
element.removeEventListener("repaint-progress", heard);
console.log(createEngineClient);
`,
  "node.ts": `import { InputError, RePaint } from "repaint-webgpu";
import { defineKernel } from "repaint-webgpu/engine";
import { openGpu } from "repaint-webgpu/node";
import { kernels } from "repaint-webgpu/shaders";
console.log(RePaint, InputError, openGpu, defineKernel, kernels);
`,
};
const dom = ["--lib", "es2023,dom,dom.iterable"];
const cases: readonly (readonly [file: keyof typeof files, options: readonly string[]])[] = [
  ["react.tsx", [...dom, "--types", "react", "--jsx", "react-jsx", "--jsxImportSource", "react"]],
  ["preact.tsx", [...dom, "--types", "node", "--jsx", "react-jsx", "--jsxImportSource", "preact"]],
  ["solid.tsx", [...dom, "--types", "node", "--jsx", "preserve", "--jsxImportSource", "solid-js"]],
  ["vue.ts", [...dom, "--types", "node"]],
  ["svelte.ts", [...dom, "--types", "node"]],
  ["page.ts", [...dom, "--types", "node"]],
  ["node.ts", ["--lib", "es2023", "--types", "node"]],
];
const strict = "--noEmit --strict --target es2022 --module nodenext --moduleResolution nodenext".split(" ");

afterAll(removeUserProjects);

describe.each(["typescript", "ts5"])("with %s", (compiler) => {
  test.each(cases)("%s", (file, options) => {
    const cwd = userProject("types", packages.types!, files);
    const compile = () =>
      execute(process.execPath, [join(cwd, "node_modules", compiler, "bin/tsc"), ...strict, ...options, file], cwd);
    expect(compile()).toBe("");
  });
});
