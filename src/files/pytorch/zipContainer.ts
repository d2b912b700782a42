/**
 * PyTorch's format since 1.6: a zip archive with one folder of any name, in it `data.pkl`, a file `data/KEY` for each
 * storage and perhaps `byteorder`. Not here: the zip format (zip.ts).
 */
import { quoted } from "../../text/quoted.ts";
import type { Container } from "./container.ts";
import { checkpointWorld } from "./globals.ts";
import { Budget, PickleEnd } from "./operands.ts";
import { unpickle } from "./pickle.ts";
import type { Reader } from "./reader.ts";
import { openZip, type ZipEntry } from "./zip.ts";

/** A state dict's pickle has about 150 bytes a tensor. */
const maxPickleBytes = 64 * 2 ** 20;

export async function openZipContainer(reader: Reader): Promise<Container> {
  const { read, fail } = reader;
  const archive = await openZip(reader);
  const root = findRoot([...archive.entries.keys()], fail);
  const entry = (name: string) => archive.entries.get(root + name);
  if (entry("constants.pkl")) {
    fail("it is a TorchScript program; load it with torch.jit.load and save its state_dict()");
  }
  const readEntry = async ({ name, size }: ZipEntry, most: number) => {
    if (size > most) fail(`zip entry ${quoted(name)}: expected at most ${most} bytes, got ${size}`);
    return read((await archive.locate([name])).get(name)!, size);
  };
  const order = entry("byteorder");
  const byteOrder = order ? new TextDecoder().decode(await readEntry(order, 16)).trim() : "little";
  if (byteOrder !== "little" && byteOrder !== "big") {
    fail(`expected its byte order to be little or big, got ${quoted(byteOrder)}`);
  }
  const pickle = await readEntry(entry("data.pkl")!, maxPickleBytes);
  const budget = new Budget(fail);
  return {
    value: unpickleWhole(),
    isBigEndian: byteOrder === "big",
    locate: async (storages) => {
      for (const [key, bytes] of storages) {
        const found =
          entry(`data/${key}`) ??
          fail(`expected the storage ${quoted(`${root}data/${key}`)} in the archive, but it is missing`);
        if (found.size !== bytes) {
          fail(`storage ${quoted(found.name)}: expected ${bytes} bytes, got ${found.size}; the file is damaged`);
        }
      }
      const offsets = await archive.locate([...storages.keys()].map((key) => `${root}data/${key}`));
      return new Map([...storages.keys()].map((key) => [key, offsets.get(`${root}data/${key}`)!]));
    },
  };

  function unpickleWhole(): unknown {
    try {
      return unpickle(pickle, 0, checkpointWorld("zip", budget, fail), budget, fail).value;
    } catch (error) {
      if (error instanceof PickleEnd) return fail("its pickle ends too early; the file is damaged, download it again");
      throw error;
    }
  }
}

/** The folder of data.pkl, with its slash; empty if the archive has no folder. */
function findRoot(names: string[], fail: Reader["fail"]): string {
  const roots = names.flatMap((name) => /^(?:[^/]+\/)?(?=data\.pkl$)/.exec(name)?.[0] ?? []);
  if (roots.length === 1) return roots[0]!;
  if (roots.length > 1) return fail(`expected one data.pkl in the archive, got ${roots.length}`);
  const some = names.slice(0, 3).map(quoted).join(", ");
  return fail(
    `expected a zip archive with data.pkl in it, got one with ${some === "" ? "nothing" : some}${names.length > 3 ? ", …" : ""}; if the checkpoint was packed into it, unpack it`,
  );
}
