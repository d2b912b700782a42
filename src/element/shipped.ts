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
    sha256: "f210e95e1566186e271dd1033c7d3e957c700657a37cd330325d54cc3ee0c10a",
    bytes: 4726500,
  },
};
