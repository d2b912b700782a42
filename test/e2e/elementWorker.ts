/**
 * The engine's worker for tests: counts the buffers of its devices and destroys a device, or loses the adapter,
 * when it is told to through the channel "gpu".
 */
import { serveEngine, type EnginePort } from "../../src/element/host.ts";

const channel = new BroadcastChannel("gpu");
const devices: GPUDevice[] = [];
let buffers = 0;
let bytes = 0;

// eslint-disable-next-line typescript/unbound-method -- it is called with its own `this`
const requestDevice = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await requestDevice.call(this, descriptor);
  devices.push(device);
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (options) => {
    const buffer = createBuffer(options);
    const destroy = buffer.destroy.bind(buffer);
    buffers++;
    bytes += buffer.size;
    let isThere = true;
    buffer.destroy = () => {
      if (isThere) bytes -= buffer.size;
      if (isThere) buffers--;
      isThere = false;
      destroy();
    };
    return buffer;
  };
  return device;
};

channel.onmessage = ({ data }: MessageEvent<"destroy" | "count" | "no adapter">) => {
  if (data === "destroy") devices.at(-1)!.destroy();
  else if (data === "no adapter") {
    GPU.prototype.requestAdapter = () => Promise.resolve(null);
    // Whoever goes on before this may ask for an adapter before there is none: the two ways to a worker have no common
    // order.
    channel.postMessage("done");
  } else channel.postMessage({ buffers, bytes, devices: devices.length });
};

serveEngine(globalThis as unknown as EnginePort, "worker");
