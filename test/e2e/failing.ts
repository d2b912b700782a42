/** In a page: writes to the console and fails, so that the harness can be seen to report both. */
export function run(): never {
  console.log("before the failure");
  throw new RangeError("on purpose");
}
