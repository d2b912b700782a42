/**
 * What a runtime other than a browser adds: files by their paths, and a device where there is no `navigator.gpu`.
 * Node's form of the package's main entry sets it (src/indexNode.ts); pages have none.
 */
import type { Device } from "../engine/device.ts";
import type { JsonBeside } from "../checkpoints/diffusers/configBeside.ts";
import type { ByteSource } from "../files/bytes.ts";

export interface Runtime {
  /** The weights at a path, and the JSON files beside them. @throws InputError where there are none */
  openFile(path: string): Promise<ByteSource & { jsonBeside: JsonBeside; close(): Promise<void> }>;
  /** @throws NoAdapterError */
  openDevice(): Promise<Device>;
}

let current: Runtime | undefined;

export function setRuntime(runtime: Runtime | undefined): void {
  current = runtime;
}

export const runtime = (): Runtime | undefined => current;
