/**
 * Leaves the processor to shaders that run on it. Dawn in Node learns that work has ended by asking, in a loop of
 * setImmediate that takes a whole core as long as anybody waits: on a software adapter that is a core less for the
 * shaders, half of two. So while something of such a device is waited for, each turn of the event loop ends with a nap.
 * Not for hardware adapters.
 */

/**
 * A nap is this share of the wait so far, and at most so many milliseconds: short waits end in time, long ones cost
 * nothing.
 */
const share = 1 / 8;
const longest = 1;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const nap = (milliseconds: number) => void Atomics.wait(sleeper, 0, 0, milliseconds);

let waiting = 0;
/** When the last wait began or ended. */
let since = 0;
/** Whether a turn is scheduled: two would nap twice. */
let turning = false;

function turn(): void {
  turning = waiting > 0;
  if (!turning) return;
  nap(Math.min(longest, (performance.now() - since) * share));
  setImmediate(turn);
}

function begin(): void {
  since = performance.now();
  waiting++;
  if (turning) return;
  turning = true;
  setImmediate(turn);
}

function end(): void {
  since = performance.now();
  waiting--;
}

/** In place of a method of the class, on this object alone. */
function replace(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}

/** `owner`'s method `name`, counted as a wait from its call until what it returned settles. */
function count<Name extends string>(owner: { [K in Name]: (...given: never[]) => Promise<unknown> }, name: Name): void {
  const method = owner[name];
  const counted = (...given: never[]): Promise<unknown> => {
    const promise = method.apply(owner, given);
    begin();
    promise.then(end, end);
    return promise;
  };
  replace(owner, name, counted);
}

/** Devices that this adapter gives from now on are waited for calmly. */
export function calmPolling(adapter: GPUAdapter): void {
  const request = adapter.requestDevice.bind(adapter);
  const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
    const device = await request(descriptor);
    count(device, "popErrorScope");
    count(device, "createComputePipelineAsync");
    count(device.queue, "onSubmittedWorkDone");
    const createBuffer = device.createBuffer.bind(device);
    const counted = (wanted: GPUBufferDescriptor): GPUBuffer => {
      const buffer = createBuffer(wanted);
      count(buffer, "mapAsync");
      return buffer;
    };
    replace(device, "createBuffer", counted);
    return device;
  };
  replace(adapter, "requestDevice", requestDevice);
}
