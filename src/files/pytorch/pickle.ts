/**
 * A pickle machine that executes nothing: it reads the opcodes of protocols 0 to 5 into plain values, and hands every
 * global, call and persistent id to a `PickleWorld` that decides. Not here: which globals there are (globals.ts), where
 * pickles lie.
 *
 * Bounds: each opcode takes at least one byte and at most the work that it pays for from the budget, so a pickle of n
 * bytes ends after O(n + budget) steps and holds at most about the budget in memory. Nothing recurses.
 */
import { quoted } from "../../text/quoted.ts";
import { opcodes } from "./opcodes.ts";
import { type Budget, Operands } from "./operands.ts";
import { Machine, type PickleWorld } from "./pickleMachine.ts";
import type { Fail } from "./reader.ts";
import { Global, kindOf } from "./values.ts";

const stop = ".".charCodeAt(0);

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
  const machine = new Machine(operands, world, budget);
  for (;;) {
    operands.opcodeAt = operands.at;
    const byte = operands.u8();
    budget.spend(24);
    if (byte === stop) return { value: machine.pop(), end: operands.at };
    const opcode = opcodes[byte] ?? operands.damaged("expected an opcode that a state dict needs");
    opcode(machine);
  }
}

/** A global as messages show it. */
export function showGlobal(value: unknown): string {
  return value instanceof Global ? quoted(value.qualifiedName) : kindOf(value);
}
