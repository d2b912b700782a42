/** In a page: an adapter, the engine's own device on it, a trivial shader. */
import { requestDevice } from "../../src/engine/device.ts";
import { squares } from "./squares.ts";
import { adapterKind, adapterName } from "../../src/engine/adapter.ts";

export async function run(numbers: Float32Array): Promise<{ name: string; kind: string; squares: Float32Array }> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  const device = await requestDevice(adapter);
  const result = new Float32Array(await squares(device.gpu, [...numbers]));
  device.check();
  device.dispose();
  return { name: adapterName(adapter.info), kind: adapterKind(adapter.info), squares: result };
}
