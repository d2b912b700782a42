/** What pages and programs import: loading a model and inpainting pictures. Importing it touches no device. */
export {
  CheckpointError,
  DeviceLostError,
  InputError,
  InterruptedError,
  NoAdapterError,
  OutOfMemoryError,
  RePaintError,
} from "./engine/errors.ts";
export { Device, requestDevice, type DeviceOptions } from "./engine/device.ts";
export type { Mask, Picture } from "./repaint/image.ts";
export { keepMask } from "./repaint/image.ts";
export { RePaint, type InpaintJob, type InpaintOptions, type LoadOptions, type Preset } from "./repaint/repaint.ts";
export { InpaintRun, type InpaintProgress, type InpaintResult } from "./repaint/inpaintRun.ts";
export { PRESETS, scheduleTimes, type Schedule } from "./repaint/schedule.ts";
export type { ByteSource } from "./unet/safetensors.ts";
