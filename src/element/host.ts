/**
 * The engine's side of the protocol: requests in, answers and events out, in a worker or in the page itself. Not here:
 * what each request does (modelHolder.ts, inpaintRequest.ts).
 */
import { pageCache } from "../sources/pageCache.ts";
import { showDebug } from "../engine/debug.ts";
import { adapterReport } from "./adapterReport.ts";
import { toErrorMessage } from "./errors.ts";
import { inpaintPicture } from "./inpaintRequest.ts";
import type { FromEngine, RequestName, Requests, ToEngine } from "./messages.ts";
import { ModelHolder } from "./modelHolder.ts";
import { Task } from "./task.ts";

/** A worker's global scope, or one end of a channel. */
export interface EnginePort {
  postMessage(message: FromEngine, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToEngine>) => void) | null;
}

type Handlers = {
  [Name in RequestName]: (argument: Requests[Name]["takes"], task: Task) => Promise<Requests[Name]["answers"]>;
};

/** Answers what comes through the port, until what it returns is called or its thread ends. */
export function serveEngine(port: EnginePort, where: "worker" | "page"): () => void {
  const model = new ModelHolder();
  const tasks = new Map<number, Task>();
  /** The last of what may only be done one at a time. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => {
    const mine = turn.then(body);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const cache = async () => (await pageCache()) ?? undefined;
  const handlers: Handlers = {
    adapter: () => adapterReport(where),
    load: ({ debug, ...wanted }, task) =>
      inTurn(() => {
        showDebug(debug);
        return model.load(wanted, task);
      }),
    estimate: (settings, task) => inTurn(() => model.estimate(settings, task.signal)),
    inpaint: (request, task) => inTurn(() => inpaintPicture(model, request, task)),
    cacheList: async () => (await (await cache())?.list()) ?? [],
    cacheRemove: async (id) => (await cache())?.remove(id),
    cacheClear: async () => (await cache())?.clear(),
    cacheUsedBytes: async () => (await (await cache())?.usedBytes()) ?? 0,
  };

  const answer = async ({ id, name, argument }: Extract<ToEngine, { name: RequestName }>): Promise<void> => {
    const task = new Task((event, transfer) => port.postMessage({ id, event }, transfer));
    tasks.set(id, task);
    try {
      const handler = handlers[name] as (argument: unknown, task: Task) => Promise<Requests[RequestName]["answers"]>;
      port.postMessage({ id, answer: await handler(argument, task) }, []);
    } catch (error) {
      port.postMessage({ id, error: toErrorMessage(error) }, []);
    } finally {
      tasks.delete(id);
    }
  };

  port.onmessage = ({ data }) => {
    if ("control" in data) tasks.get(data.id)?.control(data.control);
    else void answer(data);
  };
  port.postMessage({ hello: { hasGpu: "gpu" in navigator && Boolean(navigator.gpu), url: location.href } }, []);
  return () => {
    port.onmessage = null;
    for (const task of tasks.values()) task.control({ kind: "abort" });
    void inTurn(async () => model.dispose());
  };
}
