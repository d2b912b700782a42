/** The chosen result and the mask as files: saved, copied, handed to a page or a form. */
import { InputError } from "../../errors.ts";
import { langevinSettings } from "../../repaint/sampling.ts";
import { saveFile } from "./controls.ts";
import { maskPicture } from "./maskFiles.ts";
import { encodePng } from "./png.ts";
import { paintable } from "./engineSession.ts";
import { sideNames, type Result, type Workspace } from "./workspace.ts";

/** How a result was made, under the keywords that the command line writes. */
function textOf({ seed, reached, made }: Result, { sides }: Workspace): Record<string, string> {
  if (made?.model.kind !== "loaded") return {};
  const { info } = made.model;
  const { classifier } = info;
  const { count, usual } = paintable(info);
  const { sampling: given, precision, detail, class: label = usual } = made.settings;
  const sampling = given.sampler === "langevin" ? { ...given, ...langevinSettings(given) } : given;
  const added = sideNames.map((side) => sides[side]);
  const all = {
    sampling,
    class: count === null ? undefined : label,
    classifierScale: classifier ? (made.settings.classifierScale ?? classifier.scale) : undefined,
    extend: added.some((pixels) => pixels > 0) ? added.join() : undefined,
    precision,
    detail,
    reached,
  };
  const text = { Software: "repaint-webgpu", Model: info.title, Seed: String(seed), Settings: JSON.stringify(all) };
  return Object.assign(
    text,
    info.sha256 === null ? {} : { "Model SHA-256": info.sha256 },
    classifier && { Classifier: classifier.title },
    classifier?.sha256 ? { "Classifier SHA-256": classifier.sha256 } : {},
  );
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
    return new File([await encodePng(whole, textOf(chosen, workspace))], `${name}.filled-${chosen.seed}.png`, {
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
