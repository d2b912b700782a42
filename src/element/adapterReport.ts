/** What this thread's WebGPU offers, or a plain word why there is none. */
import type { AdapterReport } from "./types.ts";
import { adapterKind, adapterName } from "../engine/adapter.ts";

export async function adapterReport(where: "worker" | "page"): Promise<AdapterReport> {
  const gpu = "gpu" in navigator ? (navigator.gpu as GPU | undefined) : undefined;
  if (!gpu) return missing();
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    return {
      available: false,
      code: "no-adapter",
      reason:
        "This browser has WebGPU but found no graphics adapter for it: switch hardware acceleration on in its settings, or update the graphics driver.",
    };
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return {
    available: true,
    where,
    name: adapterName(adapter.info),
    kind: adapterKind(adapter.info),
    hasShaderF16: adapter.features.has("shader-f16"),
    limits: { maxBufferSize, maxStorageBufferBindingSize },
  };
}

function missing(): AdapterReport {
  if (!isSecureContext)
    return {
      available: false,
      code: "insecure",
      reason: "WebGPU is only there for pages that are served over https or from localhost: open this page by https.",
    };
  return {
    available: false,
    code: "no-webgpu",
    reason: "This browser has no WebGPU: use a current Chrome, Edge, Safari or Firefox.",
  };
}
