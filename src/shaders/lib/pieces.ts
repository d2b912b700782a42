/**
 * Long work as several dispatches of one kernel: no submission can cut a dispatch, and browsers and drivers reset a device
 * whose work takes seconds. Which workgroup computes what does not change, so the numbers are the same.
 */

/** Parameters of a kernel that can go in pieces. */
export const pieceParameters = {
  /** The first workgroup of this dispatch, and how many it has (0: all). */
  firstGroup: "u32",
  groups: "u32",
} as const;

/** One dispatch for all workgroups. */
export const wholeDispatch = { firstGroup: 0, groups: 0 } as const;

/** Workgroups of four threads are a processor's. */
const processorWorkgroup = 4;

/** Multiply-adds of a dispatch: some 0.2 s on two slow cores, or on a phone's GPU. */
const mostMacs = (workgroupSize: number) => (workgroupSize === processorWorkgroup ? 5e8 : 2e10);

export interface Piece {
  readonly groups: { readonly firstGroup: number; readonly groups: number };
  /** Of the whole work. */
  readonly share: number;
}

/** Equal dispatches of `macs` multiply-adds in all, short enough for kernels with workgroups of `workgroupSize`. */
export function pieces(workgroups: number, macs: number, workgroupSize: number): Piece[] {
  const each = Math.ceil(workgroups / Math.ceil(macs / mostMacs(workgroupSize)));
  if (each === workgroups) return [{ groups: wholeDispatch, share: 1 }];
  return Array.from({ length: Math.ceil(workgroups / each) }, (_, piece) => {
    const firstGroup = piece * each;
    const groups = Math.min(each, workgroups - firstGroup);
    return { groups: { firstGroup, groups }, share: groups / workgroups };
  });
}
