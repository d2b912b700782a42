/** The header's JSON parser against JSON.parse. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonObject, JsonSyntaxError, type JsonValue, OtherNumber, parseJson } from "../src/files/json.ts";

test("the JSON parser agrees with JSON.parse on every valid text, and refuses what it refuses", () => {
  const plain = (value: JsonValue): unknown => {
    if (value instanceof OtherNumber) return Number(value.literal);
    if (value instanceof JsonObject)
      return Object.fromEntries(value.keys.map((key, i) => [key, plain(value.values[i]!)]));
    return Array.isArray(value) ? value.map(plain) : value;
  };
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 1 }), (text, at, character) => {
      expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      const damaged = text.slice(0, at % (text.length + 1)) + character + text.slice((at % (text.length + 1)) + 1);
      const parses = (parse: (text: string) => unknown) => {
        try {
          parse(damaged);
          return true;
        } catch (error) {
          if (!(error instanceof JsonSyntaxError || error instanceof SyntaxError)) throw error;
          return error.message.includes("each key once");
        }
      };
      expect(parses(parseJson), damaged).toBe(parses(JSON.parse));
    }),
    { numRuns: 2000, seed: 7 },
  );
});
