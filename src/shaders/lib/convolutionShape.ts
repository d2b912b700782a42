/**
 * The part of a convolution that is written into its kernels' texts.
 */

/** What changes the text of every convolution kernel. */
export interface ConvolutionShape {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly activation: "none" | "silu";
}
