/**
 * A pickle machine that executes nothing: it reads the opcodes of protocols 0 to 5 into plain values, and hands every
 * global, call and persistent id to a `PickleWorld` that decides. Not here: which globals there are (globals.ts), where
 * pickles lie.
 *
 * Bounds: each opcode takes at least one byte and at most the work that it pays for from the budget, so a pickle of n
 * bytes ends after O(n + budget) steps and holds at most about the budget in memory. Nothing recurses.
 */
import { quoted } from "../../text/quoted.ts";
import { type Budget, Operands } from "./operands.ts";
import type { Fail } from "./reader.ts";
import { Global, Inert, kindOf, Tensor } from "./values.ts";

/** What the pickle's instructions to look up, call and load mean. Each may throw to refuse. */
export interface PickleWorld {
  /** A mention of `module.name`. */
  find(module: string, name: string): unknown;
  /** `callable(*args)`, as a function or by a class's `__new__`. */
  call(callable: unknown, args: unknown, how: "call" | "new"): unknown;
  persistent(id: unknown): unknown;
}

export interface Unpickled {
  readonly value: unknown;
  /** Offset of the byte after the pickle. */
  readonly end: number;
}

/**
 * Reads one pickle from `start`. Throws through `fail` for what is damaged or refused; PickleEnd where the bytes end.
 */
export function unpickle(bytes: Uint8Array, start: number, world: PickleWorld, budget: Budget, fail: Fail): Unpickled {
  const operands = new Operands(bytes, start, budget, fail);
  const value = new Machine(operands, world, budget).run();
  return { value, end: operands.at };
}

const opcode = (character: string) => character.charCodeAt(0);
const highestProtocol = 5;

class Machine {
  readonly #in: Operands;
  readonly #world: PickleWorld;
  readonly #budget: Budget;
  readonly #stack: unknown[] = [];
  /** Heights of the stack where a MARK lies. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(operands: Operands, world: PickleWorld, budget: Budget) {
    this.#in = operands;
    this.#world = world;
    this.#budget = budget;
  }

  run(): unknown {
    for (;;) {
      this.#in.opcodeAt = this.#in.at;
      const op = this.#in.u8();
      this.#budget.spend(24);
      if (op === opcode(".")) return this.#pop();
      this.#execute(op);
    }
  }

  #execute(op: number): void {
    switch (op) {
      case 0x80: // PROTO
        if (this.#in.u8() > highestProtocol) this.#in.damaged(`expected pickle protocol ${highestProtocol} or lower`);
        return;
      case 0x95: // FRAME: how much to read ahead, which a whole pickle in memory does not need
        this.#in.take(8);
        return;
      case opcode("("):
        this.#marks.push(this.#stack.length);
        return;
      case opcode("0"): {
        // POP of a mark that lies on top removes the mark.
        if (this.#marks.at(-1) === this.#stack.length && this.#marks.length > 0) this.#marks.pop();
        else this.#pop();
        return;
      }
      case opcode("1"):
        this.#popMark();
        return;
      case opcode("2"):
        return this.#push(this.#top());
      case opcode("N"):
        return this.#push(null);
      case 0x88:
        return this.#push(true);
      case 0x89:
        return this.#push(false);
      case opcode("K"):
        return this.#push(this.#in.u8());
      case opcode("M"):
        return this.#push(this.#in.u16());
      case opcode("J"):
        return this.#push(this.#in.i32());
      case opcode("G"):
        return this.#push(this.#in.f64());
      case 0x8a:
        return this.#push(this.#in.long(this.#in.u8()));
      case 0x8b:
        return this.#push(this.#in.long(this.#in.u32()));
      case opcode("I"): {
        const line = this.#in.line();
        return this.#push(line === "00" ? false : line === "01" ? true : this.#in.decimal(line));
      }
      case opcode("L"):
        return this.#push(this.#in.decimal(this.#in.line().replace(/L$/, "")));
      case opcode("F"):
        return this.#push(Number(this.#in.line()));
      case opcode("X"):
        return this.#push(this.#in.text(this.#in.u32()));
      case 0x8c:
        return this.#push(this.#in.text(this.#in.u8()));
      case 0x8d:
        return this.#push(this.#in.text(this.#in.u64()));
      case opcode("V"):
        return this.#push(this.#in.escapedLine());
      case opcode("S"):
        return this.#push(this.#in.quoted());
      // Python 2's str, which is text here as it is to torch.load.
      case opcode("T"):
        return this.#push(this.#in.looseText(this.#in.u32()));
      case opcode("U"):
        return this.#push(this.#in.looseText(this.#in.u8()));
      case opcode("B"):
        return this.#push(this.#in.blob(this.#in.u32()));
      case opcode("C"):
        return this.#push(this.#in.blob(this.#in.u8()));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#push(this.#in.blob(this.#in.u64()));
      case opcode("]"):
      case opcode(")"):
      case 0x8f: // EMPTY_SET: an array like every collection that is not a dict
        return this.#push(this.#array([]));
      case opcode("l"):
      case opcode("t"):
      case 0x91: // FROZENSET
        return this.#push(this.#array(this.#popMark()));
      case 0x85:
        return this.#push(this.#array([this.#pop()]));
      case 0x86:
      case 0x87: {
        const items = op === 0x87 ? [this.#pop(), this.#pop(), this.#pop()] : [this.#pop(), this.#pop()];
        return this.#push(this.#array(items.reverse()));
      }
      case opcode("}"):
        return this.#push(this.#dict());
      case opcode("d"): {
        const items = this.#popMark();
        const dict = this.#dict();
        this.#setItems(dict, items);
        return this.#push(dict);
      }
      case opcode("s"): {
        const value = this.#pop();
        const key = this.#pop();
        return this.#setItems(this.#top(), [key, value]);
      }
      case opcode("u"): {
        const items = this.#popMark();
        return this.#setItems(this.#top(), items);
      }
      case opcode("a"): {
        const item = this.#pop();
        return this.#append(this.#top(), [item]);
      }
      case opcode("e"):
      case 0x90: {
        const items = this.#popMark();
        return this.#append(this.#top(), items);
      }
      case opcode("g"):
        return this.#get(this.#in.index(this.#in.line()));
      case opcode("h"):
        return this.#get(this.#in.u8());
      case opcode("j"):
        return this.#get(this.#in.u32());
      case opcode("p"):
        return this.#put(this.#in.index(this.#in.line()));
      case opcode("q"):
        return this.#put(this.#in.u8());
      case opcode("r"):
        return this.#put(this.#in.u32());
      case 0x94:
        return this.#put(this.#memo.size);
      case opcode("c"): {
        const module = this.#in.line();
        return this.#push(this.#world.find(module, this.#in.line()));
      }
      case 0x93: {
        const [name, module] = [this.#pop(), this.#pop()];
        if (typeof name !== "string" || typeof module !== "string") this.#in.damaged("expected a global's two names");
        return this.#push(this.#world.find(module, name));
      }
      case opcode("R"): {
        const args = this.#pop();
        return this.#push(this.#world.call(this.#pop(), args, "call"));
      }
      case 0x81: {
        const args = this.#pop();
        return this.#push(this.#world.call(this.#pop(), args, "new"));
      }
      case 0x92: {
        this.#pop();
        const args = this.#pop();
        return this.#push(this.#world.call(this.#pop(), args, "new"));
      }
      case opcode("i"): {
        const module = this.#in.line();
        const called = this.#world.find(module, this.#in.line());
        return this.#push(this.#world.call(called, this.#popMark(), "call"));
      }
      case opcode("o"): {
        const [called, ...args] = this.#popMark();
        return this.#push(this.#world.call(called, args, "call"));
      }
      case opcode("b"): {
        this.#pop();
        // A dict's or a tensor's attributes (a state dict has _metadata) say nothing that is needed.
        const target = this.#top();
        if (!(target instanceof Map || target instanceof Inert || target instanceof Tensor)) {
          this.#in.damaged(`expected an object that has a state, got ${kindOf(target)}`);
        }
        return;
      }
      case opcode("P"):
        return this.#push(this.#world.persistent(this.#in.line()));
      case opcode("Q"):
        return this.#push(this.#world.persistent(this.#pop()));
      default:
        this.#in.damaged("expected an opcode that a state dict needs");
    }
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.#in.damaged("expected a value on the stack");
    return this.#stack.at(-1);
  }

  #pop(): unknown {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMark(): unknown[] {
    const mark = this.#marks.pop() ?? this.#in.damaged("expected a mark on the stack");
    return this.#stack.splice(mark);
  }

  #array(items: unknown[]): unknown[] {
    this.#budget.spend(48 + 8 * items.length);
    return items;
  }

  #dict(): Map<unknown, unknown> {
    this.#budget.spend(256);
    return new Map();
  }

  #setItems(target: unknown, items: unknown[]): void {
    if (items.length % 2 !== 0) this.#in.damaged("expected a value for every key");
    if (target instanceof Inert) return;
    if (!(target instanceof Map)) this.#in.damaged(`expected a dict, got ${kindOf(target)}`);
    this.#budget.spend(24 * items.length);
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  #append(target: unknown, items: unknown[]): void {
    if (target instanceof Inert) return;
    if (!Array.isArray(target)) this.#in.damaged(`expected a list, got ${kindOf(target)}`);
    this.#budget.spend(8 * items.length);
    for (const item of items) target.push(item);
  }

  #get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) this.#in.damaged(`expected memo ${index} to be filled`);
    this.#push(value);
  }

  #put(index: number): void {
    this.#budget.spend(64);
    this.#memo.set(index, this.#top());
  }
}

/** A global as messages show it. */
export function showGlobal(value: unknown): string {
  return value instanceof Global ? quoted(value.qualifiedName) : kindOf(value);
}
