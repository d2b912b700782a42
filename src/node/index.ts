/**
 * `repaint-webgpu/node`: what programs in Node need beside the package itself: an adapter, files, pictures, a cache.
 */
export { openGpu, type OpenGpu, type OpenGpuOptions } from "./adapter.ts";
export { contactSheet, type SheetRow } from "./contactSheet.ts";
export { diskCache, diskStorage } from "./diskStorage.ts";
export { openFileSource, type FileSource } from "./fileSource.ts";
export { tuningFile } from "./tuningFile.ts";
export { writeFileAtomic, type WriteOptions } from "./files.ts";
export { shippedModels, weightsFolder, type ShippedModel } from "./packageFiles.ts";
export {
  carriedExif,
  decodePicture,
  encodePng,
  fromSrgb,
  readPicture,
  toSrgb,
  type Colours,
  type FilePicture,
  type KeptExif,
  type PngExtras,
} from "./pictures.ts";
