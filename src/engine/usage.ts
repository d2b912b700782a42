/** WebGPU's usage and map flags as the specification numbers them: their global objects are missing in Node. */
export const bufferUsage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;

export const mapModeRead = 0x0001;

/** What a tensor's buffer needs: kernels, uploads and readback. */
export const tensorUsage = bufferUsage.storage | bufferUsage.copySrc | bufferUsage.copyDst;
