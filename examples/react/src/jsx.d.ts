import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { RepaintInpaint } from "repaint-webgpu/element";

type OwnAttributes = Partial<Pick<RepaintInpaint, "src" | "mask" | "model" | "preset">>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "repaint-inpaint": DetailedHTMLProps<HTMLAttributes<RepaintInpaint>, RepaintInpaint> & OwnAttributes;
    }
  }
}
