/** What a caller may say of a run. */
import type { DeviceLostError } from "../errors.ts";
import type { Box } from "../pictures/holes.ts";
import type { NewPicture } from "../pictures/image.ts";
import type { Detail } from "../pictures/octaves.ts";
import type { Reached } from "./inpaintRun.ts";
import type { SampleOptions } from "./loop.ts";
import type { Preset, Sampling } from "./sampling.ts";

export interface InpaintOptions extends Pick<SampleOptions, "previewEvery" | "snapshotSeconds" | "signal"> {
  /** The sampler with its settings, or a preset's name. Default: the preset "balanced". */
  readonly sampling?: Sampling | Preset | undefined;
  /** The crop to use instead of planned ones, in pixels of the picture. */
  readonly region?: Box | undefined;
  /** Pixels over which the filled side fades towards the known one. Default 0. */
  readonly feather?: number | undefined;
  /**
   * How strongly the loaded classifier draws every job towards its class (Dhariwal & Nichol 2021); default: not at all.
   * More is closer to the class and less varied; 1 to 10 are usual.
   */
  readonly classifierScale?: number | undefined;
  /**
   * How far a hole goes that is larger than the network's pictures. model (default): it is filled at the network's size
   * and scaled up. full: from there on to the picture's own scale, by tiles. auto: as far as the picture around it has
   * detail. For networks whose pictures have no fixed scale.
   */
  readonly detail?: Detail | undefined;
  /**
   * Bytes of device memory for the state of what is filled at once beyond the network's size; more is cut into parts.
   * Default 256 MiB.
   */
  readonly stateBytes?: number | undefined;
  /** Crops, or tiles, in one batch. Default: 1 on a CPU adapter, where more gain nothing, 8 on a GPU. */
  readonly batch?: number | undefined;
  /** Least seconds between previews by time; undefined or 0: none. Can be changed: `InpaintRun.setPreviews`. */
  readonly previewSeconds?: number | undefined;
  /** Is called with each picture when its last crop is done, or when a stop has left it a preview. */
  readonly onPicture?: ((job: number, picture: NewPicture, reached: Reached) => void) | undefined;
  /** Is told of a lost device, before the run goes on with another. Not where the device is the caller's. */
  readonly onDeviceLost?: ((error: DeviceLostError) => void) | undefined;
}
