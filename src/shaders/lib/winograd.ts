/**
 * Winograd's minimal filtering F(m×m, 3×3) (Lavin and Gray 2016) by Toom and Cook's construction: y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ
 * d B)]A for tiles of m×m outputs from (m+2)×(m+2) inputs. The points are ours: for m = 4 the usual 0, ±1, ±2 lose 1.9
 * times as much as 0, ±5/8, ±3/2 (2.8e-6 against 1.45e-6 of a sum over 256 channels; the direct sum in f32 itself
 * 0.85e-6), for m = 6 the usual 0, ±1/2, ±1, ±2 a twentieth more than with ±7/4, which lose 2.5 times as much as the
 * points of m = 4.
 */
import { unroll } from "../../engine/wgsl.ts";

/** Outputs along a side of a tile. */
export type WinogradTile = 2 | 4 | 6;

const points: Record<WinogradTile, readonly number[]> = {
  2: [0, 1, -1],
  4: [0, 0.625, -0.625, 1.5, -1.5],
  6: [0, 0.5, -0.5, 1, -1, 1.75, -1.75],
};

export type Matrix = readonly (readonly number[])[];

export interface WinogradMatrices {
  /** [m + 2][m + 2] */
  readonly inputTransform: Matrix;
  /** [m + 2][3] */
  readonly weightTransform: Matrix;
  /** [m][m + 2] */
  readonly outputTransform: Matrix;
}

/** Coefficients of Π (x − root), lowest power first. */
function polynomial(roots: readonly number[]): number[] {
  return roots.reduce<number[]>((c, root) => [...c, 0].map((_, i) => (c[i - 1] ?? 0) - root * (c[i] ?? 0)), [1]);
}

/** Bᵀ, G and Aᵀ over the points of a tile and infinity. */
export function winogradMatrices(tile: WinogradTile): WinogradMatrices {
  const finite = points[tile];
  const others = (i: number) => finite.filter((_, k) => k !== i);
  const infinity = tile - 1;
  return {
    inputTransform: [...finite.map((_, i) => [...polynomial(others(i)), 0]), polynomial(finite)],
    weightTransform: [
      ...finite.map((p, i) => {
        const scale = others(i).reduce((product, q) => product * (p - q), 1);
        return [1 / scale, p / scale, (p * p) / scale];
      }),
      [0, 0, 1],
    ],
    outputTransform: Array.from({ length: tile }, (_, power) => [
      ...finite.map((p) => p ** power),
      power === infinity ? 1 : 0,
    ]),
  };
}

/** Inputs along a side of a tile, and frequencies (points) along it. */
export const winogradSpan = (tile: WinogradTile): number => tile + 2;

/** A WGSL expression for Σ coefficients[i]·names[i]; leading terms need no multiplication by 1. */
function combination(coefficients: readonly number[], name: (index: number) => string): string {
  const terms = coefficients.flatMap((c, i) => (c === 0 ? [] : [{ c, value: name(i) }]));
  // A term of ±1 first: it costs nothing, and every other one is a multiply-add.
  terms.sort((a, b) => Number(Math.abs(b.c) === 1) - Number(Math.abs(a.c) === 1));
  return terms.reduce((sum, { c, value }, i) => {
    if (i === 0) return c === 1 ? value : c === -1 ? `(-${value})` : `${float(c)} * ${value}`;
    if (Math.abs(c) === 1) return `(${sum}) ${c === 1 ? "+" : "-"} ${value}`;
    return `fma(vec4<f32>(${float(c)}), ${value}, ${sum})`;
  }, "");
}

const float = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/**
 * Statements `let ${to(row)} = Σ matrix[row][i]·${from(i)};` for all rows. Rows of points ±p share their even and odd
 * powers.
 */
function transformVector(matrix: Matrix, from: (index: number) => string, to: (row: number) => string): string {
  const lines: string[] = [];
  for (let row = 0; row < matrix.length; row++) {
    const [own, next] = [matrix[row]!, matrix[row + 1]];
    const parts = [0, 1].map((parity) => own.map((c, i) => (i % 2 === parity ? c : 0)));
    const mirrored = parts[1]!.some((c) => c !== 0) && next?.every((c, i) => c === (i % 2 === 0 ? own[i]! : -own[i]!));
    const mirroredOdd = next?.every((c, i) => c === (i % 2 === 0 ? -own[i]! : own[i]!));
    if ((mirrored || mirroredOdd) && parts.every((part) => part.some((c) => c !== 0))) {
      const [even, odd] = [`${to(row)}_even`, `${to(row)}_odd`];
      lines.push(`let ${even} = ${combination(parts[0]!, from)};`, `let ${odd} = ${combination(parts[1]!, from)};`);
      lines.push(`let ${to(row)} = ${even} + ${odd};`);
      lines.push(`let ${to(row + 1)} = ${mirrored ? `${even} - ${odd}` : `${odd} - ${even}`};`);
      row++;
    } else lines.push(`let ${to(row)} = ${combination(own, from)};`);
  }
  return lines.join("\n");
}

/** matrix · X · matrixᵀ as statements: X[r][c] is named `${from}${r}_${c}`, the result `${to}${r}_${c}`. */
export function transformTile(matrix: Matrix, from: string, to: string): string {
  const [rows, columns] = [matrix.length, matrix[0]!.length];
  const middle = (r: number, c: number) => `${to}m${r}_${c}`;
  return [
    unroll(columns, (c) =>
      transformVector(
        matrix,
        (i) => `${from}${i}_${c}`,
        (r) => middle(r, c),
      ),
    ),
    unroll(rows, (r) =>
      transformVector(
        matrix,
        (i) => middle(r, i),
        (c) => `${to}${r}_${c}`,
      ),
    ),
  ].join("\n");
}
