/** The chosen result and the mask as files: saved, copied, handed to a page or a form. */
import { InputError } from "../../errors.ts";
import { langevinSettings } from "../../repaint/sampling.ts";
import { saveFile } from "./controls.ts";
import { maskPicture } from "./maskFiles.ts";
import { encodePng } from "./png.ts";
import { usualClass } from "./engineSession.ts";
import type { Result, Workspace } from "./workspace.ts";

/** How a result was made, under the keywords that the command line writes. */
function textOf({ seed, reached, made }: Result): Record<string, string> {
  if (made?.model.kind !== "loaded") return {};
  const { info } = made.model;
  const { title, sha256, classes } = info;
  const { sampling: given, precision, class: label = usualClass(info) } = made.settings;
  const sampling = given.sampler === "langevin" ? { ...given, ...langevinSettings(given) } : given;
  const all = { sampling, class: classes === null ? undefined : label, precision, reached };
  const text = { Software: "repaint-webgpu", Model: title, Seed: String(seed), Settings: JSON.stringify(all) };
  return sha256 === null ? text : Object.assign(text, { "Model SHA-256": sha256 });
}

interface Parts {
  readonly workspace: Workspace;
  readonly say: (words: string) => void;
  readonly fail: (error: unknown) => void;
}

export class ResultFiles {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Of the picture's size, with its known pixels. @throws InputError without a result */
  async toFile(): Promise<File> {
    const { workspace } = this.#parts;
    const { chosen, name } = workspace;
    const whole = chosen && workspace.compose(chosen);
    if (!whole) throw new InputError("There is no result yet");
    return new File([await encodePng(whole, textOf(chosen))], `${name}.filled-${chosen.seed}.png`, {
      type: "image/png",
    });
  }

  async download(): Promise<void> {
    const { say, fail } = this.#parts;
    try {
      const file = await this.toFile();
      saveFile(file, file.name);
      say(`${file.name} saved`);
    } catch (error) {
      fail(error);
    }
  }

  async copy(): Promise<void> {
    const { say, fail } = this.#parts;
    try {
      // Safari wants the promise at once.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": this.toFile() })]);
      say("Copied");
    } catch {
      fail(new InputError("This page may not write to the clipboard: download the picture instead"));
    }
  }

  /** White is to be filled. */
  async downloadMask(): Promise<void> {
    const { workspace, fail } = this.#parts;
    try {
      saveFile(await encodePng(maskPicture(workspace.mask)), `${workspace.name}.fill.png`);
    } catch (error) {
      fail(error);
    }
  }
}
