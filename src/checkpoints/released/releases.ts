/** Where the released networks' files are to be found, in words, and what their licences allow. */
import type { Release } from "./unets.ts";

export const releases: Readonly<Record<Release, { readonly origin: string; readonly licence: string }>> = {
  "guided-diffusion": {
    origin: "the table in the README of github.com/openai/guided-diffusion",
    licence: "code MIT; the model card allows research only, no commercial use",
  },
  RePaint: {
    origin: "the download script that the README of github.com/andreas128/RePaint names",
    licence: "CC BY-NC-SA 4.0, as its repository: no commercial use; the data set has terms of its own",
  },
  "P2-weighting": {
    origin: "the folders that the README of github.com/jychoi118/P2-weighting links",
    licence: "code MIT; of the weights its pages say nothing, and the data set has terms of its own",
  },
  DPS: {
    origin: "the folder that the README of github.com/DPS2022/diffusion-posterior-sampling links",
    licence: "its repository states none; the data set has terms of its own",
  },
  "improved-diffusion": {
    origin: "the README of github.com/openai/improved-diffusion",
    licence: "code MIT; of the weights its pages say nothing",
  },
  DDPM: {
    origin: "the pages of the organisation google at Hugging Face, in diffusers' layout",
    licence: "Apache-2.0, as the model cards say; the data set has terms of its own",
  },
};
