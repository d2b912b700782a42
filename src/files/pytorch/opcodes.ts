/**
 * What each opcode of pickle protocols 0 to 5 does, by its byte as a character. Names are those of Python's
 * pickletools.py.
 */
import type { Operands } from "./operands.ts";
import type { Machine } from "./pickleMachine.ts";

type Opcode = (machine: Machine) => void;

const highestProtocol = 5;

/** Those that push a value of their own. */
const values: Readonly<Record<string, (operands: Operands) => unknown>> = {
  N: () => null,
  "\x88": () => true,
  "\x89": () => false,
  K: (operands) => operands.u8(),
  M: (operands) => operands.u16(),
  J: (operands) => operands.i32(),
  G: (operands) => operands.f64(),
  "\x8a": (operands) => operands.long(operands.u8()),
  "\x8b": (operands) => operands.long(operands.u32()),
  I: (operands) => {
    const line = operands.line();
    return line === "00" ? false : line === "01" ? true : operands.decimal(line);
  },
  L: (operands) => operands.decimal(operands.line().replace(/L$/, "")),
  F: (operands) => Number(operands.line()),
  X: (operands) => operands.text(operands.u32()),
  "\x8c": (operands) => operands.text(operands.u8()),
  "\x8d": (operands) => operands.text(operands.u64()),
  V: (operands) => operands.escapedLine(),
  S: (operands) => operands.quoted(),
  // Python 2's str, which is text here as it is to torch.load.
  T: (operands) => operands.looseText(operands.u32()),
  U: (operands) => operands.looseText(operands.u8()),
  B: (operands) => operands.blob(operands.u32()),
  C: (operands) => operands.blob(operands.u8()),
  "\x8e": (operands) => operands.blob(operands.u64()), // BINBYTES8
  "\x96": (operands) => operands.blob(operands.u64()), // BYTEARRAY8
};

/** Those that push what they make of the stack. */
const made: Readonly<Record<string, (machine: Machine) => unknown>> = {
  "2": (machine) => machine.top(),
  "]": (machine) => machine.array([]),
  ")": (machine) => machine.array([]),
  "\x8f": (machine) => machine.array([]), // EMPTY_SET
  l: (machine) => machine.array(machine.popMark()),
  t: (machine) => machine.array(machine.popMark()),
  "\x91": (machine) => machine.array(machine.popMark()), // FROZENSET
  "\x85": (machine) => machine.popTuple(1),
  "\x86": (machine) => machine.popTuple(2),
  "\x87": (machine) => machine.popTuple(3),
  "}": (machine) => machine.dict(),
  d: (machine) => {
    const items = machine.popMark();
    const dict = machine.dict();
    machine.setItems(dict, items);
    return dict;
  },
  c: ({ operands, world }) => world.find(operands.line(), operands.line()),
  "\x93": (machine) => {
    const [name, module] = [machine.pop(), machine.pop()];
    if (typeof name !== "string" || typeof module !== "string")
      return machine.operands.damaged("expected a global's two names");
    return machine.world.find(module, name);
  },
  R: (machine) => callTop(machine, "call"),
  "\x81": (machine) => callTop(machine, "new"),
  "\x92": (machine) => {
    machine.pop(); // NEWOBJ_EX's keyword arguments
    return callTop(machine, "new");
  },
  i: (machine) => {
    const { operands, world } = machine;
    const called = world.find(operands.line(), operands.line());
    return world.call(called, machine.popMark(), "call");
  },
  o: (machine) => {
    const [called, ...args] = machine.popMark();
    return machine.world.call(called, args, "call");
  },
  P: ({ operands, world }) => world.persistent(operands.line()),
  Q: (machine) => machine.world.persistent(machine.pop()),
};

function callTop(machine: Machine, how: "call" | "new"): unknown {
  const args = machine.pop();
  return machine.world.call(machine.pop(), args, how);
}

/** Those that push nothing. */
const others: Readonly<Record<string, Opcode>> = {
  "\x80": ({ operands }) => {
    if (operands.u8() > highestProtocol) operands.damaged(`expected pickle protocol ${highestProtocol} or lower`);
  },
  // FRAME: how much to read ahead, which a whole pickle in memory does not need.
  "\x95": ({ operands }) => void operands.take(8),
  "(": (machine) => machine.mark(),
  "0": (machine) => machine.drop(),
  "1": (machine) => void machine.popMark(),
  s: (machine) => {
    const value = machine.pop();
    const key = machine.pop();
    machine.setItems(machine.top(), [key, value]);
  },
  u: (machine) => {
    const items = machine.popMark();
    machine.setItems(machine.top(), items);
  },
  a: (machine) => {
    const item = machine.pop();
    machine.append(machine.top(), [item]);
  },
  e: (machine) => addItems(machine),
  "\x90": (machine) => addItems(machine), // ADDITEMS, of a set
  g: (machine) => machine.get(machine.operands.index(machine.operands.line())),
  h: (machine) => machine.get(machine.operands.u8()),
  j: (machine) => machine.get(machine.operands.u32()),
  p: (machine) => machine.put(machine.operands.index(machine.operands.line())),
  q: (machine) => machine.put(machine.operands.u8()),
  r: (machine) => machine.put(machine.operands.u32()),
  "\x94": (machine) => machine.put(), // MEMOIZE
  b: (machine) => machine.dropState(),
};

function addItems(machine: Machine): void {
  const items = machine.popMark();
  machine.append(machine.top(), items);
}

/** By the byte; what no state dict needs is left out. STOP is the loop's. */
export const opcodes: readonly (Opcode | undefined)[] = table();

function table(): (Opcode | undefined)[] {
  const byByte = Array.from<Opcode | undefined>({ length: 256 });
  const add = (character: string, opcode: Opcode): void => void (byByte[character.charCodeAt(0)] = opcode);
  for (const [character, value] of Object.entries(values)) add(character, (m) => m.push(value(m.operands)));
  for (const [character, make] of Object.entries(made)) add(character, (machine) => machine.push(make(machine)));
  for (const [character, opcode] of Object.entries(others)) add(character, opcode);
  return byByte;
}
