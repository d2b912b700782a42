/** `repaint-webgpu/evaluate`: measures of filled pictures, in pages and programs. Importing it touches no device. */
export { Lpips } from "./lpips.ts";
export { borderStep, psnr, rootMeanSquare, ssim } from "./measures.ts";
export { openTensors } from "../files/open.ts";
export { bytesSource } from "../files/bytes.ts";
export { type Estimate, estimate, estimateDifference } from "./statistics.ts";
