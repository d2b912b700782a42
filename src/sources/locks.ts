/** Web Locks, so that several tabs do not download one block twice. Not here: anything that correctness depends on. */

/** Somebody who takes longer for a block has gone to sleep. */
const patienceMilliseconds = 30_000;

/** Does `work` under a lock where there are locks and a name; `waited` says whether somebody else had it first. */
export async function locked<T>(
  name: string | undefined,
  signal: AbortSignal | undefined,
  work: (waited: boolean) => Promise<T>,
): Promise<T> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks as LockManager | undefined;
  if (!locks || name === undefined) return work(false);
  const isTaken = Symbol();
  const now = await locks.request(name, { ifAvailable: true }, (lock) => (lock ? work(false) : isTaken));
  if (now !== isTaken) return now as T;
  const wait = new AbortController();
  const stop = (): void => wait.abort();
  const timer = setTimeout(stop, patienceMilliseconds);
  signal?.addEventListener("abort", stop, { once: true });
  let started = false;
  try {
    return await locks.request(name, { signal: wait.signal }, () => {
      started = true;
      clearTimeout(timer);
      return work(true);
    });
  } catch (error) {
    if (started) throw error;
    signal?.throwIfAborted();
    return await work(true);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
