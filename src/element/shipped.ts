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
    sha256: "0d404b6ebc9d37b8d7996e825ad8247266281d4521cd27dd46c51b49a92cd895",
    bytes: 4726556,
  },
};
