/**
 * Declarations that let frameworks' compilers check `<repaint-inpaint>`, made from custom-elements.json: an entry point
 * each, which is the element and its types. Not here: what the element does with what it is given (src/element/ui).
 */

/** @param manifest custom-elements.json, read @returns text of a declaration file by the framework's name */
export function frameworkDeclarations(manifest) {
  const [element] = manifest.modules.flatMap(({ declarations }) => declarations.filter(({ tagName }) => tagName));
  const { tagName: tag, name: type, attributes, members, events } = element;
  const settable = members.filter(({ kind, readonly }) => kind === "field" && !readonly);
  const doc = ({ description }) => `    /** ${description} */\n`;
  const props = [
    // As properties, which take what their setters take; and as attributes, where the name is another.
    ...settable.map((member) => `${doc(member)}    ${member.name}?: Settable<"${member.name}"> | undefined;`),
    ...attributes
      .filter(({ name, fieldName }) => name !== fieldName)
      .map((attribute) => `${doc(attribute)}    "${attribute.name}"?: Settable<"${attribute.fieldName}"> | undefined;`),
  ];
  /** @param prefix of a listener's property, such as "on" */
  const listeners = (prefix) =>
    events
      .filter(({ name }) => name.startsWith("repaint-"))
      .map((event) => `${doc(event)}    "${prefix}${event.name}"?: Listener<"${event.name}"> | undefined;`);
  const declare = (head, prefix, tail) =>
    [
      `import type { ${type}, RepaintEventMap, SettingsChange } from "./src/element/index.js";`,
      ...head,
      `export * from "./src/element/index.js";`,
      ``,
      `type Settable<Name extends keyof ${type}> = Name extends "settings" ? SettingsChange`,
      `  : Name extends "seed" ? bigint | number | string`,
      `  : Name extends "previews" | "variations" | "classLabel" ? ${type}[Name] | number | string`,
      `  : ${type}[Name];`,
      `type Listener<Name extends keyof RepaintEventMap> = (event: RepaintEventMap[Name]) => void;`,
      ``,
      `export interface ${type}Props {`,
      ...props,
      ...(prefix === undefined ? [] : listeners(prefix)),
      `}`,
      ``,
      ...tail,
      ``,
    ].join("\n");
  const intrinsic = (module, attributes) => [
    `declare module "${module}" {`,
    `  namespace JSX {`,
    `    interface IntrinsicElements {`,
    `      "${tag}": ${attributes};`,
    `    }`,
    `  }`,
    `}`,
  ];
  const own = `${type}Props`;
  return {
    react: declare(
      [`import type { DetailedHTMLProps, HTMLAttributes } from "react";`],
      "on",
      intrinsic("react", `Omit<DetailedHTMLProps<HTMLAttributes<${type}>, ${type}>, keyof ${own}> & ${own}`),
    ),
    preact: declare(
      [`import type { JSX } from "preact";`],
      "on",
      intrinsic("preact", `Omit<JSX.HTMLAttributes<${type}>, keyof ${own}> & ${own}`),
    ),
    solid: declare(
      [`import type { JSX } from "solid-js";`],
      "on:",
      intrinsic("solid-js", `Omit<JSX.HTMLAttributes<${type}>, keyof ${own}> & ${own}`),
    ),
    vue: declare([`import type { DefineComponent, HTMLAttributes } from "vue";`], undefined, [
      `type Emits = { [Name in keyof RepaintEventMap]: (event: RepaintEventMap[Name]) => void };`,
      ``,
      `declare module "vue" {`,
      `  interface GlobalComponents {`,
      `    "${tag}": DefineComponent<${own} & Omit<HTMLAttributes, keyof ${own}>, {}, {}, {}, {}, {}, {}, Emits>;`,
      `  }`,
      `}`,
    ]),
    svelte: declare([`import type { HTMLAttributes } from "svelte/elements";`], "on", [
      `declare module "svelte/elements" {`,
      `  export interface SvelteHTMLElements {`,
      `    "${tag}": Omit<HTMLAttributes<${type}>, keyof ${own}> & ${own};`,
      `  }`,
      `}`,
    ]),
  };
}
