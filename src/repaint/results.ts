/** The pictures of a run as they fill up: crops pasted in, and how far each picture has come. */
import { pasteBack } from "../pictures/cropPaste.ts";
import type { Mask, NewPicture, Picture } from "../pictures/image.ts";
import type { Crop } from "./crops.ts";
import type { Reached } from "./inpaintRun.ts";

interface ResultOptions {
  readonly feather?: number | undefined;
  readonly onPicture?: ((job: number, picture: NewPicture, reached: Reached) => void) | undefined;
}

export class Results {
  /** In the order of the jobs. */
  readonly pictures: NewPicture[];
  readonly reached: Reached[];
  readonly #jobs: readonly { readonly keep: Mask }[];
  readonly #options: ResultOptions;
  /** Of each job. */
  #cropsLeft: number[] = [];

  constructor(jobs: readonly { readonly picture: Picture; readonly keep: Mask }[], options: ResultOptions) {
    // Not spread: width and height of an ImageData are getters.
    this.pictures = jobs.map(({ picture: { width, height, data } }) => ({ width, height, data: data.slice() }));
    this.reached = jobs.map(() => "nothing");
    this.#jobs = jobs;
    this.#options = options;
  }

  /** The crops that are going to be filled. */
  expect(waiting: readonly Crop[]): void {
    this.#cropsLeft = this.#jobs.map((_, job) => waiting.filter((crop) => crop.job === job).length);
  }

  /** Crops of which nothing is left to fill at the model's size are filled by what surrounds their holes. */
  pasteSurroundings(crops: readonly Crop[]): void {
    for (const crop of crops) this.pictures[crop.job] = this.#paste(this.pictures[crop.job]!, crop, crop.picture);
    for (const [job, left] of this.#cropsLeft.entries()) if (left === 0) this.#reach(job, "result");
  }

  /** The pictures with these images in place of their crops, by job; `pictures` stays as it is. */
  show(crops: readonly Crop[], images: readonly Picture[]): Map<number, NewPicture> {
    const pasted = new Map<number, NewPicture>();
    for (const [index, crop] of crops.entries())
      pasted.set(crop.job, this.#paste(pasted.get(crop.job) ?? this.pictures[crop.job]!, crop, images[index]!));
    return pasted;
  }

  /** Keeps what crops have come to. `isLast`: nothing comes of one any more. */
  keep(crops: readonly Crop[], images: readonly Picture[], isLast: (crop: Crop) => boolean): void {
    for (const [job, picture] of this.show(crops, images)) this.pictures[job] = picture;
    for (const crop of crops) if (isLast(crop)) this.#cropsLeft[crop.job]!--;
    for (const job of new Set(crops.map((crop) => crop.job)))
      if (this.#cropsLeft[job] === 0) this.#reach(job, "result");
      else this.reached[job] = "preview";
  }

  /** No batch comes any more: what is not whole stays a preview. */
  finish(): void {
    for (const [job, how] of this.reached.entries()) if (how === "preview") this.#reach(job, how);
  }

  #reach(job: number, how: Reached): void {
    this.reached[job] = how;
    this.#options.onPicture?.(job, this.pictures[job]!, how);
  }

  #paste(onto: Picture, { job, region }: Crop, image: Picture): NewPicture {
    return pasteBack(onto, this.#jobs[job]!.keep, region, image, { feather: this.#options.feather ?? 0 });
  }
}
