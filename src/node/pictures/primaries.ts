/**
 * From a space's primaries and white to its matrix, and from one white to another. Sources: SMPTE RP 177 (matrix of
 * primaries), Bradford's adaptation as in ICC.1:2010 annex E, IEC 61966-2-1 (sRGB).
 */

export type Tristimulus = readonly [number, number, number];
/** Rows. */
export type Matrix = readonly [Tristimulus, Tristimulus, Tristimulus];

/** CIE 1931 x and y. */
type Chromaticity = readonly [x: number, y: number];

export interface Chromaticities {
  readonly white: Chromaticity;
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
}

export const srgbChromaticities: Chromaticities = {
  white: [0.3127, 0.329],
  red: [0.64, 0.33],
  green: [0.3, 0.6],
  blue: [0.15, 0.06],
};

/** The white of profiles. */
const d50: Tristimulus = [0.9642, 1, 0.8249];

/**
 * Columns: XYZ of the primaries, which add up to the white, adapted to D50.
 * @returns nothing where they are no primaries: on one line, or a y of 0
 */
export function primariesForD50({ white, red, green, blue }: Chromaticities): Matrix | undefined {
  const [r, g, b] = [red, green, blue].map(xyzOf) as [Tristimulus, Tristimulus, Tristimulus];
  const columns: Matrix = [
    [r[0], g[0], b[0]],
    [r[1], g[1], b[1]],
    [r[2], g[2], b[2]],
  ];
  const inverse = invert(columns);
  if (!inverse) return undefined;
  const whiteXyz = xyzOf(white);
  const scale = apply(inverse, whiteXyz);
  const scaled = columns.map((row) => row.map((value, i) => value * scale[i]!)) as unknown as Matrix;
  const adapted = multiply(adaptation(whiteXyz, d50), scaled);
  return adapted.flat().every((value) => Number.isFinite(value) && Math.abs(value) < 100) ? adapted : undefined;
}

const xyzOf = ([x, y]: Chromaticity): Tristimulus => [x / y, 1, (1 - x - y) / y];

const bradford: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

function adaptation(from: Tristimulus, to: Tristimulus): Matrix {
  const [before, after] = [apply(bradford, from), apply(bradford, to)];
  const scaled = bradford.map((row, i) => row.map((value) => (value * after[i]!) / before[i]!)) as unknown as Matrix;
  return multiply(invert(bradford)!, scaled);
}

function apply(matrix: Matrix, [x, y, z]: Tristimulus): Tristimulus {
  return matrix.map((row) => row[0] * x + row[1] * y + row[2] * z) as unknown as Tristimulus;
}

export function multiply(left: Matrix, right: Matrix): Matrix {
  return left.map((row) =>
    [0, 1, 2].map((column) => row.reduce((sum, value, i) => sum + value * right[i]![column]!, 0)),
  ) as unknown as Matrix;
}

/** @returns nothing where there is no inverse */
export function invert([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix | undefined {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (!(Math.abs(determinant) > 1e-9)) return undefined;
  return [
    [(e * i - f * h) / determinant, (c * h - b * i) / determinant, (b * f - c * e) / determinant],
    [(f * g - d * i) / determinant, (a * i - c * g) / determinant, (c * d - a * f) / determinant],
    [(d * h - e * g) / determinant, (b * g - a * h) / determinant, (a * e - b * d) / determinant],
  ];
}
