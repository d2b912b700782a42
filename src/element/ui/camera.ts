/**
 * A photo: the phone's own camera program where there is a touch screen only, else what the camera sees and a shutter.
 */
import { InputError } from "../../errors.ts";
import { button, chooseFile } from "./controls.ts";
import { h } from "./dom.ts";

/** undefined: it was thought better of. @throws InputError where there is no camera, or none is allowed */
export async function takePhoto(shadow: ShadowRoot): Promise<Blob | ImageBitmap | undefined> {
  if (matchMedia("(hover: none) and (pointer: coarse)").matches)
    return (await chooseFile("image/*", { capture: true }))[0];
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 1920 }, facingMode: "environment" },
    });
  } catch {
    throw new InputError("There is no camera that this page may use: connect one, or allow it when asked");
  }
  const video = h("video", { muted: true, playsInline: true, autoplay: true, srcObject: stream });
  const dialog = h("dialog", { class: "camera", attributes: { "aria-label": "Camera" } });
  try {
    return await new Promise<ImageBitmap | undefined>((resolve, reject) => {
      const shoot = button({
        label: "Take the picture",
        icon: "camera",
        class: "primary",
        run: () => void createImageBitmap(video).then(resolve, reject),
      });
      shoot.disabled = true;
      video.addEventListener("loadeddata", () => (shoot.disabled = false));
      const cancel = button({ label: "Cancel", run: () => resolve(undefined) });
      dialog.append(video, h("div", { class: "row" }, shoot, cancel));
      dialog.addEventListener("close", () => resolve(undefined));
      shadow.append(dialog);
      dialog.showModal();
      void video.play().catch(() => undefined);
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  }
}
