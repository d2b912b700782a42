/** What of the peers is used here, so that types do not need them installed. */
declare module "@tensorflow/tfjs-core" {
  export interface Tensor {
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export function setBackend(name: string): Promise<boolean>;
  export function ready(): Promise<void>;
  export function tensor4d(values: Float32Array, shape: readonly number[]): Tensor;
  export function tensor1d(values: Float32Array): Tensor;
  export function conv2d(x: Tensor, filter: Tensor, strides: number, pad: "same"): Tensor;
  export function add(a: Tensor, b: Tensor): Tensor;
  export const version_core: string;
}
declare module "@tensorflow/tfjs-backend-webgpu" {}
