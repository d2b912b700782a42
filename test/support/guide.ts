/** docs/first-kernel.md as a reader follows it: the files it says to write, the commands, and what the first prints. */

export interface Guide {
  readonly files: Readonly<Record<string, string>>;
  /** Lines of the shell, in order. */
  readonly commands: readonly string[];
  /** What is shown below the first program. */
  readonly printed: string;
}

export function guideFiles(text: string): Guide {
  const files = [...text.matchAll(/^`([\w-]+\.js)`:\n\n```js\n([^]*?)^```$/gm)];
  const shell = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)];
  return {
    files: Object.fromEntries(files.map(([, name, code]) => [name!, code!])),
    commands: shell.flatMap(([, lines]) => lines!.trim().split("\n")),
    printed: /^```sh\nnode run\.js\n```\n\n```\n([^]*?)^```$/m.exec(text)?.[1] ?? "",
  };
}
