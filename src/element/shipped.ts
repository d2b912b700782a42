/** The models that come with the package, by name. Their addresses are written so that bundlers take the files along. */

export interface ShippedModel {
  readonly title: string;
  readonly url: string;
  readonly sha256: string;
  readonly bytes: number;
}

export const shippedModels: Readonly<Record<string, ShippedModel>> = {
  portraits64: {
    title: "portraits64",
    url: new URL("../../weights/portraits64.safetensors", import.meta.url).href,
    sha256: "80cc5d0649b01d478c7f8f85ff27e08339d74f1e5951d34c4abfe9cb90b3396c",
    bytes: 4721428,
  },
};
