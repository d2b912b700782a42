/** `repaint-webgpu/element`: registers `<repaint-inpaint>`, exports its class and types. */
import { defineRepaintInpaint, RepaintInpaint } from "./ui/element.ts";

export { RepaintInpaint };
export { createEngineClient } from "./client.ts";
export type { RepaintEventMap, RepaintEvents } from "./ui/events.ts";
export type { SettingsChange } from "./ui/attributes.ts";
export type { Settings } from "./ui/engineSession.ts";
export type { PictureSource } from "./ui/pictureInput.ts";
export type * from "./types.ts";

defineRepaintInpaint();

declare global {
  interface HTMLElementTagNameMap {
    "repaint-inpaint": RepaintInpaint;
  }
}
