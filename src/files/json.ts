/**
 * A JSON parser that keeps what JSON.parse hides and a checkpoint's header must not have: keys that come twice, and how
 * a number was written (1.0 is not a byte offset). It is not a general parser: no reviver, and nesting stops at 64.
 */
import { quoted } from "../text/quoted.ts";

/** A number that is not a plain run of digits, or not exact in a double: -1, 1.0, 1e3, 2^60. */
export class OtherNumber {
  readonly literal: string;
  constructor(literal: string) {
    this.literal = literal;
  }
}

/** An object's members in their order. Two arrays, since a header can have a million members of three. */
export class JsonObject {
  readonly keys: string[] = [];
  readonly values: JsonValue[] = [];

  get(key: string): JsonValue | undefined {
    return this.values[this.keys.indexOf(key)];
  }
}

/** `number` is only ever a safe integer ≥ 0 written in plain digits. */
export type JsonValue = null | boolean | string | number | OtherNumber | JsonValue[] | JsonObject;

/** Where the text stops being JSON. The caller turns it into an error that names the file. */
export class JsonSyntaxError extends Error {
  override name = "JsonSyntaxError";
}

const maxDepth = 64;
/** Below this many members, a scan finds a repeated key faster than a set. */
const scanLimit = 8;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const digitsPattern = /^[0-9]{1,16}$/;
// oxlint-disable-next-line no-control-regex -- JSON forbids exactly these characters in a string
const needsCare = /[\u0000-\u001f\\]/;

/**
 * Parses a whole text.
 * @throws JsonSyntaxError for text that is not JSON, for repeated keys and for lone surrogates
 */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.skipSpace();
  if (parser.at < text.length) parser.fail("the end of the text");
  return value;
}

class Parser {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  fail(expected: string): never {
    const came =
      this.at < this.text.length ? JSON.stringify(this.text.slice(this.at, this.at + 12)) : "the end of the text";
    throw new JsonSyntaxError(`expected ${expected} at character ${this.at}, got ${came}`);
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  value(depth: number): JsonValue {
    if (depth > maxDepth) this.fail(`at most ${maxDepth} levels of nesting`);
    this.skipSpace();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const object = new JsonObject();
    let seen: Set<string> | undefined;
    this.at++;
    this.skipSpace();
    if (this.take("}")) return object;
    do {
      this.skipSpace();
      const start = this.at;
      if (this.text[start] !== '"') this.fail("a key in quotes");
      const key = this.string();
      if (!seen && object.keys.length >= scanLimit) seen = new Set(object.keys);
      if (seen ? seen.has(key) : object.keys.includes(key)) {
        this.at = start;
        this.fail(`each key once, but ${quoted(key)} comes again`);
      }
      seen?.add(key);
      this.skipSpace();
      if (!this.take(":")) this.fail('":"');
      object.keys.push(key);
      object.values.push(this.value(depth + 1));
      this.skipSpace();
    } while (this.take(","));
    if (!this.take("}")) this.fail('"," or "}"');
    return object;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at++;
    this.skipSpace();
    if (this.take("]")) return items;
    do {
      items.push(this.value(depth + 1));
      this.skipSpace();
    } while (this.take(","));
    if (!this.take("]")) this.fail('"," or "]"');
    return items;
  }

  private string(): string {
    const start = this.at;
    let end = this.text.indexOf('"', start + 1);
    while (end >= 0 && this.isEscaped(end, start)) end = this.text.indexOf('"', end + 1);
    if (end < 0) this.fail("a string that ends");
    const plain = this.text.slice(start + 1, end);
    if (!needsCare.test(plain)) {
      this.at = end + 1;
      return plain;
    }
    let value: unknown;
    try {
      value = JSON.parse(this.text.slice(start, end + 1));
    } catch {
      this.fail("a string with valid escapes");
    }
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) this.fail("a string of whole characters");
    this.at = end + 1;
    return value;
  }

  private isEscaped(quote: number, start: number): boolean {
    let backslashes = 0;
    while (quote - backslashes - 1 > start && this.text.charCodeAt(quote - backslashes - 1) === 0x5c) backslashes++;
    return backslashes % 2 === 1;
  }

  private number(): number | OtherNumber {
    numberPattern.lastIndex = this.at;
    const literal = numberPattern.exec(this.text)?.[0];
    if (literal === undefined) this.fail("a value");
    this.at += literal.length;
    const value = Number(literal);
    return digitsPattern.test(literal) && Number.isSafeInteger(value) ? value : new OtherNumber(literal);
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail("a value");
    this.at += word.length;
    return value;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}
