/** custom-elements.json says what the element has, no more and no less. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { attributes } from "../src/element/ui/attributes.ts";
import { RepaintInpaint } from "../src/element/ui/element.ts";
import { ElementBase } from "../src/element/ui/elementBase.ts";

const url = (path: string) => new URL(`../${path}`, import.meta.url);
const read = (path: string) => readFileSync(url(path), "utf8");
const source = readdirSync(url("src/element/ui"))
  .map((name) => read(`src/element/ui/${name}`))
  .join("\n");
type Named = { readonly name: string; readonly description: string };
const manifest = JSON.parse(read("custom-elements.json")) as {
  modules: {
    declarations: (Record<"attributes" | "events" | "slots" | "cssParts" | "cssProperties", Named[]> & {
      tagName: string;
      members: (Named & { kind: "field" | "method"; readonly?: boolean })[];
    })[];
  }[];
};
const [declaration] = manifest.modules[0]!.declarations;
const names = (all: readonly Named[]) => all.map(({ name }) => name).sort();
const found = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(([, name]) => name!))].sort();

describe("the manifest", () => {
  test("lists the attributes with their words", () => {
    expect(declaration!.attributes.map(({ name, description }) => [name, description])).toEqual(Object.entries(attributes)); // prettier-ignore
    expect(RepaintInpaint.observedAttributes).toEqual(Object.keys(attributes));
  });

  test("lists properties and methods", () => {
    const own = [RepaintInpaint, ElementBase].flatMap((type) => Object.entries(Object.getOwnPropertyDescriptors(type.prototype))); // prettier-ignore
    const isPublic = ([name]: readonly [string, unknown]) =>
      !/^(constructor|(add|remove)EventListener|focus|.*Callback)$/.test(name);
    const members = own.filter(isPublic).map(([name, own]) => ({
      name,
      kind: typeof own.value === "function" ? "method" : "field",
      ...(typeof own.value === "function" || own.set ? {} : { readonly: true }),
    }));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const listed = declaration!.members.map(({ name, kind, readonly }) => ({ name, kind, ...(readonly ? { readonly } : {}) })); // prettier-ignore
    expect(listed.sort(byName)).toEqual(members.sort(byName));
  });

  test("lists events, parts, custom properties and slots", () => {
    const events = /interface RepaintEvents \{([^]*?)\n\}/.exec(source)![1]!;
    const own = [...events.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name!);
    expect(names(declaration!.events)).toEqual(own.flatMap((name) => [name, `repaint-${name}`]).sort());
    const parts = found(/\bpart: "([a-z-]+)"/g);
    expect(names(declaration!.cssParts)).toEqual([...new Set([...parts, "button"])].sort());
    expect(names(declaration!.cssProperties)).toEqual(found(/var\((--repaint-[a-z-]+)/g));
    expect(names(declaration!.slots)).toEqual(found(/h\("slot", \{ name: "([a-z]+)"/g));
    for (const all of [declaration!.events, declaration!.cssParts, declaration!.cssProperties, declaration!.slots])
      for (const { name, description } of all) expect(description, name).toMatch(/\.$/);
  });
});
