/**
 * The folder of an evaluation: plan.json, results/NAME.json (a record each, written last), pictures/NAME.png, and in
 * inputs/ the pictures with and without their holes, so that the folder alone makes the report. A result counts when
 * its record is whole and its picture is the one that the record means, so that a kill at any moment costs the runs
 * under way and nothing else. Several processes may share a folder. Not here: what is run.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { InputError } from "../../errors.ts";
import { differenceWords, type EvaluationPlan, planDifference, type Task, taskName } from "../../evaluate/plan.ts";
import type { EvaluationResult } from "../../evaluate/result.ts";
import { showHole } from "../../node/contactSheet.ts";
import { asInputError, ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { decodePicture, encodePng } from "../../node/pictures.ts";
import { readRecord, removeTorn, writeRecord } from "../../node/records.ts";
import type { Mask, Picture } from "../../pictures/image.ts";

const parts = ["results", "pictures", "inputs"] as const;

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export class EvaluationFolder {
  readonly path: string;
  readonly plan: EvaluationPlan;

  private constructor(path: string, plan: EvaluationPlan) {
    this.path = path;
    this.plan = plan;
  }

  /**
   * Opens the folder for a plan, and makes it where it is missing.
   * @throws InputError where it holds something else, or results of another plan
   */
  static async open(path: string, plan: EvaluationPlan): Promise<EvaluationFolder> {
    await ensureFolder(path);
    const there = (await readPlan(path)) ?? (await EvaluationFolder.#begin(path, plan));
    const difference = planDifference(there, plan);
    if (difference)
      throw new InputError(
        `${path} holds results of another plan: ${differenceWords(difference, "there", "here")}. Give another --out, or what that run was given`,
      );
    for (const part of parts) await ensureFolder(join(path, part));
    return new EvaluationFolder(path, plan);
  }

  /** The folder of an earlier run. @throws InputError where it is none */
  static async openExisting(path: string): Promise<EvaluationFolder> {
    const plan = await readPlan(path);
    if (!plan) throw new InputError(`${path} is no folder of \`evaluate\`: it has no plan.json`);
    return new EvaluationFolder(path, plan);
  }

  /** Another process may have begun at the same time: whose plan is there is the plan. */
  static async #begin(path: string, plan: EvaluationPlan): Promise<EvaluationPlan> {
    const others = (await readdir(path)).filter((name) => !name.startsWith("."));
    if (others.length > 0 && !others.includes("plan.json"))
      throw new InputError(`${path} holds something else (${others[0]}): give a new or an empty folder`);
    try {
      await writeFileAtomic(join(path, "plan.json"), new TextEncoder().encode(`${JSON.stringify(plan, null, 1)}\n`));
    } catch (error) {
      const there = await readPlan(path);
      if (there) return there;
      throw error;
    }
    return plan;
  }

  /** Those of the tasks that are done. */
  async results(tasks: readonly Task[]): Promise<Map<number, EvaluationResult>> {
    const results = new Map<number, EvaluationResult>();
    for (const task of tasks) {
      const record = (await readRecord(join(this.path, "results"), this.#name(task))) as EvaluationResult | undefined;
      if (!record || record.task !== task.index) continue;
      const bytes = await this.#pictureBytes(task);
      if (bytes && sha256Of(bytes) === record.fileSha256) results.set(task.index, record);
    }
    return results;
  }

  /** The filled picture of a task that is done. */
  async picture(task: Task): Promise<Picture> {
    const bytes = await this.pngOf(task);
    return decodePicture(bytes, this.#file(task));
  }

  async pngOf(task: Task): Promise<Uint8Array> {
    const bytes = await this.#pictureBytes(task);
    if (!bytes) throw new InputError(`${join(this.path, this.#file(task))} is gone: run \`evaluate\` again`);
    return bytes;
  }

  /** Picture first, record last. */
  async keep(
    task: Task,
    picture: Picture,
    measured: Omit<EvaluationResult, "task" | "file" | "fileSha256" | "picture" | "mask" | "setting" | "seed">,
  ): Promise<EvaluationResult> {
    const { pictures, masks, settings, seeds } = this.plan;
    return this.#write(task, encodePng(picture, { Software: "repaint-webgpu" }), {
      task: task.index,
      picture: pictures[task.picture]!.name,
      mask: masks[task.mask]!.name,
      setting: settings[task.setting]!.name,
      seed: seeds[task.seed]!,
      file: this.#file(task),
      ...measured,
    });
  }

  /** Takes over a result of another folder of this plan. */
  async adopt(from: EvaluationFolder, task: Task, result: EvaluationResult): Promise<void> {
    const { truth, input } = await from.inputs(task);
    if (truth && input) await this.#writeInputs(task, { truth, input });
    await this.#write(task, await from.pngOf(task), result);
  }

  /** What a task is about, for the report: written once for all its settings and seeds. */
  async keepInputs(task: Task, truth: Picture, keep: Mask): Promise<void> {
    const there = await this.inputs(task);
    if (there.truth && there.input) return;
    await this.#writeInputs(task, { truth: encodePng(truth), input: encodePng(showHole(truth, keep)) });
  }

  async #writeInputs(task: Task, pngs: Record<"truth" | "input", Uint8Array>): Promise<void> {
    const files = this.#inputFiles(task);
    for (const part of ["truth", "input"] as const)
      await writeFileAtomic(join(this.path, files[part]), pngs[part], { force: true });
  }

  /** The true picture and the one with its hole, as PNG; undefined where they are not there. */
  async inputs(task: Task): Promise<Record<"truth" | "input", Uint8Array | undefined>> {
    const { truth, input } = this.#inputFiles(task);
    const read = (file: string) => readFile(join(this.path, file)).catch(() => undefined);
    return { truth: await read(truth), input: await read(input) };
  }

  #inputFiles({ picture, mask }: Task): Record<"truth" | "input", string> {
    const name = `inputs/${String(picture).padStart(6, "0")}`;
    return { truth: `${name}.png`, input: `${name}-${mask}.png` };
  }

  async #write(task: Task, png: Uint8Array, result: Omit<EvaluationResult, "fileSha256">): Promise<EvaluationResult> {
    await writeFileAtomic(join(this.path, this.#file(task)), png, { force: true });
    const whole = { ...result, fileSha256: sha256Of(png) };
    await writeRecord(join(this.path, "results"), this.#name(task), whole);
    return whole;
  }

  /** Removes what a killed process left half-written of these tasks. */
  async tidy(tasks: readonly Task[]): Promise<void> {
    for (const [part, extension] of [
      ["results", "json"],
      ["pictures", "png"],
    ] as const)
      await removeTorn(join(this.path, part), new Set(tasks.map((task) => `${this.#name(task)}.${extension}`)));
    const inputs = new Set(
      tasks.flatMap((task) => Object.values(this.#inputFiles(task)).map((file) => basename(file))),
    );
    await removeTorn(join(this.path, "inputs"), inputs);
    await removeTorn(this.path, new Set(["plan.json", ...reportFiles]));
  }

  #name(task: Task): string {
    return taskName(this.plan, task);
  }

  #file(task: Task): string {
    return `pictures/${this.#name(task)}.png`;
  }

  async #pictureBytes(task: Task): Promise<Uint8Array | undefined> {
    return readFile(join(this.path, this.#file(task))).catch(() => undefined);
  }
}

const reportFiles = ["report.html", "results.json", "results.csv"] as const;

async function readPlan(path: string): Promise<EvaluationPlan | undefined> {
  const file = join(path, "plan.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw asInputError(error, `cannot read ${file}`);
  }
  try {
    const plan = JSON.parse(text) as EvaluationPlan;
    if (plan.version === 1 && [plan.pictures, plan.masks, plan.settings, plan.seeds].every(Array.isArray)) return plan;
  } catch {
    // What it is instead does not matter.
  }
  throw new InputError(`${file} is no plan of this version: give another --out`);
}
