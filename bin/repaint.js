#!/usr/bin/env node
/**
 * The package's `repaint` program. In a checkout it first does what is missing (packages, build); installed, it has
 * nothing to set up. The commands are in src/cli. No top-level await: an old Node must get to the version check.
 */
import { existsSync } from "node:fs";
import { requireNode } from "./nodeVersion.js";

requireNode();
start().then(exit, (error) => {
  // What a user can cause is reported by main itself; what arrives here is set-up that failed, or our mistake.
  process.stderr.write(`${error.name === "SetUpError" ? error.message : error.stack}\n`);
  return exit(1);
});

async function start() {
  // A reader that closes the pipe early (`| head`) must not end a run that still writes files.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error) => {
      if (error.code !== "EPIPE") throw error;
    });
  const isCheckout = ["../src/", "../scripts/setup.mjs"].every((path) => existsSync(new URL(path, import.meta.url)));
  if (isCheckout) await (await import("../scripts/setup.mjs")).setUp();
  const { main } = await import("../dist/cli.js");
  return main(process.argv.slice(2));
}

/** Ends at once after flushing: Dawn's threads keep a process with a living device from ending by itself. */
async function exit(code) {
  for (const stream of [process.stdout, process.stderr]) await new Promise((done) => stream.write("", done));
  process.exit(code);
}
