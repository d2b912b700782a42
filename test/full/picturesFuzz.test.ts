/**
 * 100,000 mutated picture files of every format, decoders in WebAssembly included: no crash, no hang, no memory beyond
 * bounds.
 */
import { expect, it } from "vitest";
import { fuzzPictures } from "../support/mutatedPictures.ts";

it.each(Array.from({ length: 20 }, (_, part) => part))(
  "mutated pictures, part %i of 20",
  async (part) => {
    const { read, refused, slowest } = await fuzzPictures(5_000 * part, 5_000);
    expect(read + refused).toBe(5_000);
    expect(slowest).toBeLessThan(20_000);
    // 268 megapixels in RGBA twice, as WebAssembly's and as the picture's, are the bound; none of these comes near.
    expect(process.memoryUsage().rss).toBeLessThan(4e9);
  },
  600_000,
);
