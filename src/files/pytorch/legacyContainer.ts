/**
 * PyTorch's format before 1.6: pickles one after the other (a magic number, the protocol 1001, facts about the machine,
 * the value, the list of storages' keys), then each storage as its element count (i64) and its bytes, always
 * little-endian. Not here: the tar files of 0.1.
 */
import { quoted } from "../../text/quoted.ts";
import type { Container } from "./container.ts";
import { checkpointWorld } from "./globals.ts";
import { Budget, PickleEnd } from "./operands.ts";
import { unpickle } from "./pickle.ts";
import type { PickleWorld } from "./pickleMachine.ts";
import { forEachParallel, type Reader, u64 } from "./reader.ts";
import { Storage } from "./values.ts";

const magic = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;
const firstWindow = 64 * 1024;
const maxWindow = 64 * 2 ** 20;

export async function openLegacyContainer(reader: Reader): Promise<Container> {
  const { fail } = reader;
  const budget = new Budget(fail);
  const world = checkpointWorld("legacy", budget, fail);
  const storages = new Map<string, Storage>();
  const recording: PickleWorld = {
    ...world,
    persistent: (id) => {
      const storage = world.persistent(id);
      if (!(storage instanceof Storage)) return storage;
      const known = storages.get(storage.key);
      if (known && known.bytes !== storage.bytes) fail(`storage ${quoted(storage.key)} comes with two sizes`);
      storages.set(storage.key, known ?? storage);
      return storage;
    },
  };
  const pickles = new PickleStream(reader, budget);
  const first = await pickles.next(checkpointWorld("raw", budget, fail));
  if (first !== magic) {
    return fail(
      "expected torch.save's archive or magic number, got a plain pickle, which holds no tensors that can be read; load it in Python and save the state dict with torch.save",
    );
  }
  const protocol = await pickles.next(world);
  if (protocol !== protocolVersion) fail(`expected PyTorch's serialization protocol ${protocolVersion}, got another`);
  await pickles.next(world);
  const value = await pickles.next(recording);
  const keys = await pickles.next(world);
  const layout = layOut(keys, storages, pickles.at, reader);
  return { value, isBigEndian: false, locate: (wanted) => locate(wanted, layout, reader) };
}

/** Pickles from the start of a file, in a window that grows as far as they need it. */
class PickleStream {
  at = 0;
  #window: Uint8Array = new Uint8Array(0);
  readonly #reader: Reader;
  readonly #budget: Budget;

  constructor(reader: Reader, budget: Budget) {
    this.#reader = reader;
    this.#budget = budget;
  }

  async next(world: PickleWorld): Promise<unknown> {
    const { size, read, fail } = this.#reader;
    for (;;) {
      try {
        const { value, end } = unpickle(this.#window, this.at, world, this.#budget, fail);
        this.at = end;
        return value;
      } catch (error) {
        if (!(error instanceof PickleEnd)) throw error;
        const held = this.#window.length;
        if (held >= size) fail("its pickle ends too early; the file is cut off, download it again");
        if (held >= maxWindow) fail(`expected its pickles to end within ${maxWindow} bytes`);
        this.#window = await read(0, Math.min(size, maxWindow, Math.max(firstWindow, 4 * held)));
      }
    }
  }
}

interface Place {
  /** Of the element count that comes before the bytes. */
  readonly offset: number;
  readonly storage: Storage;
}

/** Storages lie in the order of their keys, so that the sizes in the pickle say where each is. */
function layOut(keys: unknown, storages: ReadonlyMap<string, Storage>, start: number, { size, fail }: Reader) {
  if (!Array.isArray(keys)) return fail("expected a list of the storages' keys after the pickle");
  const places = new Map<string, Place>();
  let offset = start;
  for (const value of keys) {
    const key = String(value);
    const storage = storages.get(key);
    if (!storage || places.has(key)) return fail(`expected each storage's key once, got ${quoted(key)}`);
    places.set(key, { offset, storage });
    offset += 8 + storage.bytes;
  }
  if (!(offset <= size)) {
    fail(`its storages end at ${offset}, but the file at ${size}: it is cut off; download it again`);
  }
  return places;
}

async function locate(
  wanted: ReadonlyMap<string, number>,
  places: ReadonlyMap<string, Place>,
  { read, fail }: Reader,
): Promise<Map<string, number>> {
  const offsets = new Map<string, number>();
  await forEachParallel(wanted, async ([key, bytes]) => {
    const place = places.get(key) ?? fail(`expected the storage ${quoted(key)} in the file, but it is missing`);
    const header = await read(place.offset, 8);
    const count = u64(new DataView(header.buffer, header.byteOffset, 8), 0, fail);
    if (count * place.storage.elementBytes !== bytes) {
      fail(`storage ${quoted(key)}: expected ${bytes} bytes, got ${count} elements; the file is damaged`);
    }
    offsets.set(key, place.offset + 8);
  });
  return offsets;
}
