/** How a convolution's outputs leave it: with the residual and the activation, whatever method summed them. */

export interface Epilogue {
  /** WGSL for the place in `y`. */
  readonly at: string;
  /** WGSL for what is added; false: nothing. */
  readonly residual: string | false;
  readonly activation: "none" | "silu";
}

/** Statements that change the variable `v` and store it. With "silu" the kernel needs lib/silu. */
export function epilogue({ at, residual, activation }: Epilogue): string {
  return [
    ...(residual ? [`v += ${residual};`] : []),
    ...(activation === "silu" ? ["v = silu(v);"] : []),
    `store_y(${at}, v);`,
  ].join(" ");
}
