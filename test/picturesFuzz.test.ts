/** Mutated picture files of every format; 100,000 of them in test/full/picturesFuzz.test.ts. */
import { expect, it } from "vitest";
import { fuzzPictures } from "./support/mutatedPictures.ts";

it("mutated pictures are pictures or refusals of one line", async () => {
  const { read, refused } = await fuzzPictures(0, 1_500);
  expect(read).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(200);
  expect(read + refused).toBe(1_500);
}, 60_000);
