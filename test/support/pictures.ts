/** What the tests of pictures and files share: pixels as lists, made-up pictures, refusals in one line. */
import { expect } from "vitest";
import { InputError } from "../../src/errors.ts";
import { type Picture, createPicture } from "../../src/pictures/image.ts";

/** The message of the InputError that it ends with; it must be one line. */
export async function refusal(work: () => unknown): Promise<string> {
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InputError);
  const { message } = error as InputError;
  expect(message).not.toMatch(/\n/);
  return message;
}

export const pixelsOf = ({ data }: Picture): number[][] =>
  Array.from({ length: data.length / 4 }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]);

/** A picture of bytes that follow no simple pattern. */
export function noise(width: number, height: number, opaque = true): Picture {
  const picture = createPicture(width, height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = opaque && i % 4 === 3 ? 255 : (i * i * 7 + i) >> 2;
  return picture;
}
