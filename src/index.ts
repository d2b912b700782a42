/** What pages and programs import: loading a model and inpainting pictures. Importing it touches no device. */
export {
  CheckpointError,
  DeviceLostError,
  InputError,
  InterruptedError,
  NoAdapterError,
  NotFiniteError,
  OutOfMemoryError,
  RePaintError,
} from "./errors.ts";
export { Device, requestDevice, type DeviceOptions } from "./engine/device.ts";
export { extendCanvas, type Sides } from "./pictures/extend.ts";
export type { Drawable } from "./pictures/drawn.ts";
export type { Mask, NewPicture, Picture } from "./pictures/image.ts";
export type { MaskSource } from "./repaint/given.ts";
export { keepMask } from "./pictures/keepMask.ts";
export { drawKeepMask, MASK_PATTERNS, type MaskOptions, type MaskPattern } from "./pictures/masks.ts";
export { RePaint, type InpaintJob, type InpaintOptions, type RunCost, type SampleJob } from "./repaint/repaint.ts";
export type { CheckpointSource, DownloadOptions, LoadOptions } from "./repaint/loaded.ts";
export { InpaintRun, type InpaintProgress, type InpaintResult, type Reached } from "./repaint/inpaintRun.ts";
export { PRESETS, type Preset, type RePaintSampling, type Sampling } from "./repaint/sampling.ts";
export { scheduleTimes, type Schedule } from "./repaint/schedule.ts";
export { spendCalls, STRATEGIES, type Strategy } from "./repaint/strategies.ts";
export { SourceCache, type BlockStorage, type CachedFile } from "./sources/cache.ts";
export type { Integrity } from "./sources/integrity.ts";
export { pageCache } from "./sources/pageCache.ts";
export { urlSource, type UrlOptions, type UrlSource } from "./sources/urlSource.ts";
export { tuningDatabase } from "./engine/tuning/database.ts";
export type { TuningProgress } from "./engine/tuning/tuner.ts";
export type { TuningStore } from "./engine/tuning/memory.ts";
export type { TuneOptions } from "./unet/tuning.ts";
export type { ByteSource } from "./files/bytes.ts";
