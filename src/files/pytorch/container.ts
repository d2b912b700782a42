/**
 * What both of PyTorch's containers come down to: a pickle's value and where the storages' bytes lie. Not here: how.
 */
export interface Container {
  /** What the pickle holds; see values.ts. */
  readonly value: unknown;
  readonly isBigEndian: boolean;
  /**
   * Where the storages of these keys and sizes begin in the file, in bytes. What it says must be so before the file's
   * tensors are read.
   * @throws CheckpointError for one that the file does not hold, or not whole
   */
  locate(storages: ReadonlyMap<string, number>): Promise<Map<string, number>>;
}
