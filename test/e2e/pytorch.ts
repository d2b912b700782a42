/** A PyTorch file given to a page as a Blob: names and one tensor, and the words for a hostile one. */
import { readFloat32 } from "../../src/files/safetensors.ts";
import { blobSource } from "../../src/files/bytes.ts";
import { openTensors } from "../../src/files/open.ts";

export async function run({ bytes, hostile }: { bytes: Uint8Array<ArrayBuffer>; hostile: Uint8Array<ArrayBuffer> }) {
  const file = await openTensors(blobSource(new Blob([bytes])));
  const refused = await openTensors(blobSource(new Blob([hostile]))).then(
    () => "nothing",
    (error: unknown) => String(error),
  );
  return { names: [...file.tensors.keys()], transposed: await readFloat32(file, "transposed"), refused };
}
