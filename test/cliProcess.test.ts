/** The program as people start it: exit statuses, Ctrl-C, closed pipes. A process each, so only what needs one. */
import { once } from "node:events";
import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { setUp } from "../scripts/setup.mjs";
import { encodePng } from "../src/node/pictures.ts";
import { createPicture } from "../src/pictures/image.ts";
import { cannotFork, cliProcess, events, filesIn, folder, golden, spawnCli } from "./support/cli.ts";

const weights = golden("unet/new-attention-order.weights.safetensors");

/** A run of 1000 model calls with previews; resolves when the first preview is there. */
async function longRun(signal: NodeJS.Signals) {
  const here = await folder();
  const picture = createPicture(16, 16);
  const mask = createPicture(16, 16);
  for (let i = 0; i < 64; i++) mask.data.set([255, 255, 255, 255], 4 * i);
  for (let i = 64; i < 256; i++) mask.data.set([0, 0, 0, 255], 4 * i);
  await writeFile(join(here, "a.png"), encodePng(picture));
  await writeFile(join(here, "a.fill.png"), encodePng(mask));
  const child = spawnCli([
    "inpaint",
    "--image",
    join(here, "a.png"),
    "--fill",
    join(here, "a.fill.png"),
    "--weights",
    weights,
    "--steps",
    "1000",
    "--resamples",
    "1",
    "--out",
    join(here, "out.png"),
    "--preview-every",
    "1",
    "--preview-dir",
    join(here, "previews"),
    "--json",
  ]);
  const text = { out: "", err: "" };
  child.stderr!.on("data", (chunk) => (text.err += String(chunk)));
  const preview = new Promise<void>((resolve) => {
    child.stdout!.on("data", (chunk) => {
      text.out += String(chunk);
      if (text.out.includes('"preview"')) resolve();
    });
  });
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  await Promise.race([preview, closed]);
  child.kill(signal);
  const [status] = await closed;
  return { here, status, ...text };
}

describe.skipIf(cannotFork)("the program", () => {
  beforeAll(() => setUp());

  it("prints its version and nothing else", async () => {
    expect(await cliProcess(["--version"])).toEqual({
      status: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: "",
    });
  });

  it("exits with 2 for input and with 3 where there is no adapter", async () => {
    const here = await folder();
    expect(await cliProcess(["inspect", join(here, "nothing")])).toMatchObject({ status: 2, out: "" });
    const { status, out, err } = await cliProcess(["doctor", "--adapter", "voodoo2"]);
    expect([status, out, err]).toEqual([
      3,
      expect.stringMatching(/^repaint-webgpu .*\n$/),
      expect.stringMatching(/^repaint: no WebGPU adapter[^\n]*\n$/),
    ]);
    const given = await cliProcess(["doctor", "--json"], {
      VK_DRIVER_FILES: join(here, "nowhere.json"),
      VK_ICD_FILENAMES: "",
    });
    expect([given.status, events(given.out).at(-1)]).toEqual([
      3,
      expect.objectContaining({ event: "error", exitCode: 3 }),
    ]);
  });

  it.skipIf(process.platform !== "linux")("says in its own line what Vulkan has against a driver", async () => {
    const here = await folder();
    const manifest = join(here, "vulkan/icd.d/lvp_icd.x86_64.json");
    await mkdir(dirname(manifest), { recursive: true });
    await writeFile(
      manifest,
      `{"file_format_version":"1.0.0","ICD":{"library_path":"${here}/none.so","api_version":"1.1.0"}}`,
    );
    const env = { XDG_DATA_DIRS: here, XDG_RUNTIME_DIR: "", VK_DRIVER_FILES: "", VK_ICD_FILENAMES: "" };
    const { status, err } = await cliProcess(["doctor", "--adapter", "llvmpipe"], env);
    expect([status, err]).toEqual([3, expect.stringMatching(/^repaint: no WebGPU adapter[^\n]*none\.so[^\n]*\n$/)]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "stops at %s with 130, keeps the previews and leaves no result",
    async (signal) => {
      const { here, status, out, err } = await longRun(signal);
      expect(status).toBe(130);
      expect(err).toMatch(/repaint: interrupted; the previews so far are in/);
      expect(events(out).at(-1)).toMatchObject({ event: "error", name: "InterruptedError", exitCode: 130 });
      const files = await filesIn(here);
      expect(files).toContain("a-0-step0001.png");
      expect(files.filter((name) => !/^a-0-step\d{4}\.png$/.test(name))).toEqual(["a.fill.png", "a.png"]);
      await expect(access(join(here, "out.png"))).rejects.toThrow("ENOENT");
    },
  );
});
