/**
 * How the element looks, as constructable style sheets. Colours and lengths are custom properties that a page may set.
 */
import { controlStyles } from "./controlStyles.ts";
import { frameStyles } from "./frameStyles.ts";

let made: CSSStyleSheet[] | undefined;

/** The same for all elements of the page. */
export function sheets(): CSSStyleSheet[] {
  return (made ??= [frameStyles, controlStyles].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  }));
}
