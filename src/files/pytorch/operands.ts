/**
 * The bytes of a pickle as operands: numbers, strings and lines, with bounds on each, and the budget that all of it is
 * paid from. Not here: what the opcodes do with them (pickle.ts).
 */
import type { Fail } from "./reader.ts";

/** The bytes end before the pickle: there may be more of it in the file. */
export class PickleEnd extends Error {
  override name = "PickleEnd";
}

/** Bytes of memory, roughly, that a file's pickles may take as values. A state dict's takes about 2 kB a tensor. */
export class Budget {
  #left = 40 * 2 ** 20;
  readonly #fail: Fail;
  constructor(fail: Fail) {
    this.#fail = fail;
  }
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) this.#fail("expected a state dict, but its pickle makes too many objects");
  }
}

const maxLongBytes = 256;
const maxLineBytes = 4096;

export class Operands {
  at: number;
  /** Offset of the opcode whose operands are read, for messages. */
  opcodeAt: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #budget: Budget;
  readonly #fail: Fail;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, start: number, budget: Budget, fail: Fail) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
    this.opcodeAt = start;
    this.#budget = budget;
    this.#fail = fail;
  }

  damaged(problem: string): never {
    const byte = this.#bytes[this.opcodeAt]!.toString(16).padStart(2, "0");
    return this.#fail(
      `its pickle is damaged or no state dict's: ${problem}, at byte ${this.opcodeAt} (opcode 0x${byte})`,
    );
  }

  /** The offset of `length` bytes, which are consumed. */
  take(length: number): number {
    const begin = this.at;
    if (length > this.#bytes.length - begin) throw new PickleEnd("the pickle goes on");
    this.at = begin + length;
    return begin;
  }

  u8(): number {
    return this.#bytes[this.take(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.take(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.take(8), false);
  }

  u32(): number {
    return this.#view.getUint32(this.take(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.take(8), true));
  }

  blob(length: number): Uint8Array {
    const begin = this.take(length);
    this.#budget.spend(128);
    return this.#bytes.subarray(begin, this.at);
  }

  text(length: number): string {
    const begin = this.take(length);
    this.#budget.spend(32 + 2 * length);
    try {
      return this.#utf8.decode(this.#bytes.subarray(begin, this.at));
    } catch {
      return this.damaged("expected a string in UTF-8");
    }
  }

  /** Python 2's str, which may be text or bytes: UTF-8 where it is that, else a character a byte. */
  looseText(length: number): string {
    const begin = this.take(length);
    this.#budget.spend(32 + 2 * length);
    const bytes = this.#bytes.subarray(begin, this.at);
    try {
      return this.#utf8.decode(bytes);
    } catch {
      return latin1(bytes);
    }
  }

  line(): string {
    const begin = this.at;
    const end = this.#bytes.subarray(begin, begin + maxLineBytes).indexOf(10);
    if (end < 0) {
      if (this.#bytes.length - begin < maxLineBytes) throw new PickleEnd("the pickle goes on");
      this.damaged(`expected a line of at most ${maxLineBytes} bytes`);
    }
    const text = this.looseText(end);
    this.at++;
    return text.replace(/\r$/, "");
  }

  /** Python 3's str in protocol 0, encoded as raw-unicode-escape. */
  escapedLine(): string {
    const begin = this.at;
    this.line();
    const text = latin1(this.#bytes.subarray(begin, this.at - 1));
    return text.replace(/\\u([0-9a-fA-F]{4})|\\U000([0-9a-fA-F]{5})/g, (whole, short?: string, long?: string) => {
      const code = parseInt(short ?? long!, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    });
  }

  quoted(): string {
    const line = this.line();
    const text = /^(['"])(.*)\1$/.exec(line)?.[2];
    if (text === undefined || text.includes("\\")) this.damaged("expected a quoted string without escapes");
    return text;
  }

  decimal(line: string): number | bigint {
    if (line.length > 2 * maxLongBytes || !/^-?\d+$/.test(line)) this.damaged("expected a whole number");
    return exact(BigInt(line));
  }

  index(line: string): number {
    const index = Number(this.decimal(line));
    return index >= 0 ? index : this.damaged("expected a memo index of at least 0");
  }

  long(length: number): number | bigint {
    if (length > maxLongBytes) this.damaged(`expected a number of at most ${maxLongBytes} bytes`);
    const begin = this.take(length);
    this.#budget.spend(length);
    let hex = "0";
    for (let i = length - 1; i >= 0; i--) hex += this.#bytes[begin + i]!.toString(16).padStart(2, "0");
    return exact(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
  }
}

/** A number where that is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function latin1(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 4096) parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
  return parts.join("");
}
