/**
 * Long work as several dispatches of one kernel: no submission can cut a dispatch, and browsers and drivers reset a
 * device whose work takes seconds. Which workgroup computes what does not change, so the numbers are the same.
 */

/** Parameters of a kernel that can go in pieces. */
export const pieceParameters = {
  /** The first workgroup of this dispatch, and how many it has (0: all). */
  firstGroup: "u32",
  groups: "u32",
} as const;

/** One dispatch for all workgroups. */
export const wholeDispatch = { firstGroup: 0, groups: 0 } as const;
