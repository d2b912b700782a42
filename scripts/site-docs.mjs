/** docs/*.md as pages of the site, in the page's own clothes. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Marked } from "marked";

/** @param root of the project @param outDir that has the built page, whose style sheet the documents share */
export async function writeDocs(root, outDir) {
  const assets = await readdir(join(outDir, "assets"));
  const style = assets.find((name) => /^index-.*\.css$/.test(name));
  const icon = assets.find((name) => /^icon-.*\.svg$/.test(name));
  const names = (await readdir(join(root, "docs")))
    .filter((name) => name.endsWith(".md"))
    .map((name) => name.slice(0, -3));
  await mkdir(join(outDir, "docs"), { recursive: true });
  for (const name of names) {
    const text = await readFile(join(root, "docs", `${name}.md`), "utf8");
    const page = documentPage({
      title: text.match(/^# (.+)$/m)?.[1] ?? basename(name),
      body: render(text, names),
      style,
      icon,
    });
    await writeFile(join(outDir, "docs", `${name}.html`), page);
    for (const [, picture] of text.matchAll(/!\[[^\]]*\]\(([\w-]+\.png)\)/g))
      await copyFile(join(root, "docs", picture), join(outDir, "docs", picture));
  }
}

function render(text, names) {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${slug(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const words = this.parser.parseInline(tokens);
        const [, path, hash = ""] = /^([^#]*)(#.*)?$/.exec(href);
        if (/^https?:/.test(href) || path === "") return `<a href="${href}">${words}</a>`;
        const document = /^(?:\.\/|docs\/)?([\w-]+)\.md$/.exec(path)?.[1];
        // What is not on the site stays a word.
        return names.includes(document) ? `<a href="./${document}.html${hash}">${words}</a>` : words;
      },
    },
  });
  return marked
    .parse(text)
    .replaceAll("<table>", '<div class="table"><table>')
    .replaceAll("</table>", "</table></div>");
}

const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s+/g, "-");

const documentPage = ({ title, body, style, icon }) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'self'" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · repaint-webgpu</title>
    <meta name="color-scheme" content="light dark" />
    <link rel="icon" href="../assets/${icon}" type="image/svg+xml" />
    <link rel="stylesheet" href="../assets/${style}" />
  </head>
  <body>
    <header class="bar">
      <a class="mark" href="../"><span class="mark-icon" aria-hidden="true"></span>repaint-webgpu</a>
      <nav aria-label="Documents"><a href="./api.html">API</a><a href="./embedding.html">Element</a><a href="./cli.html">Command line</a></nav>
    </header>
    <main class="prose">
${body}
    </main>
  </body>
</html>
`;
