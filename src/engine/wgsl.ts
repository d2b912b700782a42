/**
 * The one door to wgsl-preprocessor, typed: `#if ${condition}` … `#elif` … `#else` … `#endif` inside a WGSL template.
 * The package has no types and no `main`, and `#if ${undefined}` silently drops code, so the types forbid undefined.
 * An interpolated fragment is not processed again: tag each fragment itself.
 */
// @ts-expect-error The package ships no declarations.
import { wgsl as untypedWgsl } from "wgsl-preprocessor/wgsl-preprocessor.js";

export const wgsl = untypedWgsl as (
  strings: TemplateStringsArray,
  ...values: readonly (string | number | boolean)[]
) => string;

/** The lines that `line` makes for 0 … count − 1: unrolled loops, whose indices must be constants in the source. */
export function unroll(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}
