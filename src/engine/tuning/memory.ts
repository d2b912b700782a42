/**
 * What a tuner found, kept from one visit to the next: for one adapter with its driver, and one version of this
 * package. A record that is damaged or of something else is none; storage that fails costs a warning, never a run. Not
 * here: the storage of pages (database.ts) and of Node (src/node/tuningFile.ts).
 */
import type { Device } from "../device.ts";
import { version } from "../version.ts";
import { adapterName } from "../adapter.ts";
import type { TuningQuestion } from "./question.ts";

/** Texts by name. */
export interface TuningStore {
  /** Where it is, for warnings. */
  readonly name: string;
  read(id: string): Promise<string | undefined>;
  write(id: string, text: string): Promise<void>;
}

const tuningFormat = "repaint-webgpu tuning 1";

interface KeptAnswer {
  readonly id: string;
  /** The candidates that were timed. */
  readonly among: readonly string[];
  readonly milliseconds: number;
}

interface TuningRecord {
  readonly format: typeof tuningFormat;
  /** Its name, for people who read the record. */
  readonly adapter: string;
  /** Adapter and version that these answers are for: see `tuningId`. */
  readonly id: string;
  readonly answers: Readonly<Record<string, KeptAnswer>>;
}

/**
 * Adapter, driver and version in one text. Browsers keep the driver to themselves: there the browser's own version,
 * which brings its compiler, stands for it.
 */
function tuningId({ info, kind, half }: Pick<Device, "info" | "kind" | "half">): string {
  const { vendor, architecture, device, description } = info;
  const agent = typeof navigator === "undefined" ? "" : (navigator.userAgent ?? "");
  return JSON.stringify([vendor, architecture, device, description, kind, half, agent, version]);
}

type KnownQuestion = Pick<TuningQuestion, "key" | "candidates" | "fallback">;

export class TuningMemory {
  readonly #id: string;
  readonly #adapter: string;
  readonly #store: TuningStore | undefined;
  readonly #onWarning: ((message: string) => void) | undefined;
  #answers: Map<string, KeptAnswer>;

  private constructor(
    device: Pick<Device, "info" | "kind" | "half">,
    store: TuningStore | undefined,
    answers: Map<string, KeptAnswer>,
    onWarning: ((message: string) => void) | undefined,
  ) {
    this.#id = tuningId(device);
    this.#adapter = adapterName(device.info);
    this.#store = store;
    this.#answers = answers;
    this.#onWarning = onWarning;
  }

  /** Without a store it remembers until it is forgotten. Never rejects. */
  static async open(
    device: Pick<Device, "info" | "kind" | "half">,
    store?: TuningStore,
    onWarning?: (message: string) => void,
  ): Promise<TuningMemory> {
    const answers = store ? await readAnswers(store, tuningId(device), onWarning) : new Map<string, KeptAnswer>();
    return new TuningMemory(device, store, answers, onWarning);
  }

  get size(): number {
    return this.#answers.size;
  }

  /** The answer, if today's default was among its candidates; complete, if all of today's were. */
  get({ key, candidates, fallback }: KnownQuestion): { readonly id: string; readonly isComplete: boolean } | undefined {
    const kept = this.#answers.get(key);
    if (!kept?.among.includes(fallback) || !candidates.some(({ id }) => id === kept.id)) return undefined;
    return { id: kept.id, isComplete: candidates.every(({ id }) => kept.among.includes(id)) };
  }

  set({ key }: Pick<TuningQuestion, "key">, { id, among, milliseconds }: KeptAnswer): void {
    this.#answers.set(key, { id, among, milliseconds });
  }

  /** Writes everything, what others have written meanwhile included. Never rejects. */
  async save(): Promise<void> {
    const store = this.#store;
    if (!store) return;
    try {
      const theirs = await readAnswers(store, this.#id);
      this.#answers = new Map([...theirs, ...this.#answers]);
      const answers = Object.fromEntries([...this.#answers].sort(([a], [b]) => (a < b ? -1 : 1)));
      const record: TuningRecord = { format: tuningFormat, adapter: this.#adapter, id: this.#id, answers };
      await store.write(this.#id, `${JSON.stringify(record, undefined, 1)}\n`);
    } catch (error) {
      this.#onWarning?.(`what was tuned is not kept in ${store.name}: ${reason(error)}`);
    }
  }
}

async function readAnswers(
  store: TuningStore,
  id: string,
  onWarning?: (message: string) => void,
): Promise<Map<string, KeptAnswer>> {
  try {
    const text = await store.read(id);
    return text === undefined ? new Map() : parseRecord(text, id);
  } catch (error) {
    onWarning?.(`the remembered tuning in ${store.name} is not used: ${reason(error)}`);
    return new Map();
  }
}

/** @throws Error that says what is wrong with the record */
function parseRecord(text: string, id: string): Map<string, KeptAnswer> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  const record = (value ?? {}) as Partial<TuningRecord>;
  if (record.format !== tuningFormat) throw new Error(`expected the format ${JSON.stringify(tuningFormat)}`);
  if (record.id !== id) throw new Error("it is of another adapter, driver or version");
  const { answers } = record;
  if (typeof answers !== "object" || answers === null || Array.isArray(answers)) throw new Error("it has no answers");
  const entries = Object.entries(answers as Record<string, unknown>);
  if (!entries.every((entry): entry is [string, KeptAnswer] => isAnswer(entry[1]))) throw new Error("it is damaged");
  return new Map(entries);
}

function isAnswer(value: unknown): value is KeptAnswer {
  const { id, among, milliseconds } = (value ?? {}) as Partial<KeptAnswer>;
  return (
    typeof id === "string" &&
    Array.isArray(among) &&
    among.includes(id) &&
    among.every((one) => typeof one === "string") &&
    typeof milliseconds === "number"
  );
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
