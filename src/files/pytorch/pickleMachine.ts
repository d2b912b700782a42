/**
 * A pickle machine's stack, marks and memo, and what its opcodes are made of. Not here: the opcodes (opcodes.ts), which
 * globals there are (globals.ts).
 */
import type { Budget, Operands } from "./operands.ts";
import { Inert, kindOf, Tensor } from "./values.ts";

/** What the pickle's instructions to look up, call and load mean. Each may throw to refuse. */
export interface PickleWorld {
  /** A mention of `module.name`. */
  find(module: string, name: string): unknown;
  /** `callable(*args)`, as a function or by a class's `__new__`. */
  call(callable: unknown, args: unknown, how: "call" | "new"): unknown;
  persistent(id: unknown): unknown;
}

export class Machine {
  readonly operands: Operands;
  readonly world: PickleWorld;
  readonly #budget: Budget;
  readonly #stack: unknown[] = [];
  /** Heights of the stack where a MARK lies. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(operands: Operands, world: PickleWorld, budget: Budget) {
    this.operands = operands;
    this.world = world;
    this.#budget = budget;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.operands.damaged("expected a value on the stack");
    return this.#stack.at(-1);
  }

  pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  /** Of the top `count` values, the lowest first. */
  popTuple(count: number): unknown[] {
    return this.array(Array.from({ length: count }, () => this.pop()).reverse());
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** What lies on top: a mark, or a value. */
  drop(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  /** What lies on the last mark. */
  popMark(): unknown[] {
    const mark = this.#marks.pop() ?? this.operands.damaged("expected a mark on the stack");
    return this.#stack.splice(mark);
  }

  /** Lists, tuples and sets alike. */
  array(items: unknown[]): unknown[] {
    this.#budget.spend(48 + 8 * items.length);
    return items;
  }

  dict(): Map<unknown, unknown> {
    this.#budget.spend(256);
    return new Map();
  }

  setItems(target: unknown, items: unknown[]): void {
    if (items.length % 2 !== 0) this.operands.damaged("expected a value for every key");
    if (target instanceof Inert) return;
    if (!(target instanceof Map)) this.operands.damaged(`expected a dict, got ${kindOf(target)}`);
    this.#budget.spend(24 * items.length);
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  /** What is added to something opaque is dropped. */
  append(target: unknown, items: unknown[]): void {
    if (target instanceof Inert) return;
    if (!Array.isArray(target)) this.operands.damaged(`expected a list, got ${kindOf(target)}`);
    this.#budget.spend(8 * items.length);
    for (const item of items) target.push(item);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) this.operands.damaged(`expected memo ${index} to be filled`);
    this.push(value);
  }

  /** @param index by default the next */
  put(index = this.#memo.size): void {
    this.#budget.spend(64);
    this.#memo.set(index, this.top());
  }

  /** BUILD: a dict's or a tensor's attributes (a state dict has _metadata) say nothing that is needed. */
  dropState(): void {
    this.pop();
    const target = this.top();
    if (!(target instanceof Map || target instanceof Inert || target instanceof Tensor))
      this.operands.damaged(`expected an object that has a state, got ${kindOf(target)}`);
  }
}
