/**
 * `repaint-webgpu` where there is Node's API (Node, Deno, Bun): the same, and files by their paths and a device by
 * itself.
 */
import { requestDevice } from "./engine/device.ts";
import { setRuntime } from "./repaint/runtime.ts";

export * from "./index.ts";

setRuntime({
  openFile: async (path) => (await import("./node/modelFile.ts")).openModelFile(path),
  openDevice: async () => requestDevice((await (await import("./node/adapter.ts")).openGpu()).adapter),
});
