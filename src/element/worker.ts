/**
 * The engine's thread: a module worker. Where a worker has no WebGPU, the page imports this very file from the worker's
 * own address and serves itself: bundlers then make one copy of the engine, not two. Nothing may be imported from here.
 */
import { serveEngine, type EnginePort } from "./host.ts";
import { serveKey } from "./messages.ts";

const isWorker = "WorkerGlobalScope" in globalThis;
if (isWorker) serveEngine(globalThis as unknown as EnginePort, "worker");
else Object.assign(globalThis, { [serveKey]: serveEngine });
