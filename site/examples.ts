/**
 * The shipped examples as buttons: each puts its picture and mask into the element. The first one is in it from the
 * start.
 */
import manifest from "../weights/manifest.json" with { type: "json" };
import type { RepaintInpaint } from "../src/element/index.ts";

const files = import.meta.glob<string>("../weights/examples/*.png", { query: "?url", import: "default", eager: true });

/** What the manifest's names mean to people. */
const titles: Readonly<Record<string, string>> = {
  "1-half-right": "Right half",
  "2-half-left": "Left half",
  "3-one-eye": "One eye",
  "4-both-eyes": "Both eyes",
  "5-expand": "All around",
  "6-alternate-lines": "Every other line",
  "7-super-resolve": "3 of 4 pixels",
  "8-top": "The top",
  poster: "A poster",
};

interface Example {
  readonly title: string;
  readonly picture: string;
  readonly fill: string;
}

const examples: readonly Example[] = manifest.models[0]!.examples.map(({ name, picture, fill }) => ({
  title: titles[name] ?? name,
  picture: files[`../weights/${picture}`]!,
  fill: files[`../weights/${fill}`]!,
}));

export async function showExamples(place: HTMLElement, element: RepaintInpaint): Promise<void> {
  const buttons = examples.map((example) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.setAttribute("aria-pressed", "false");
    button.append(document.createElement("canvas"), example.title);
    button.addEventListener("click", () => void choose(example));
    return button;
  });
  place.append(...buttons);
  void Promise.all(examples.map((example, index) => draw(example, buttons[index]!.querySelector("canvas")!)));

  const press = (chosen: Example | undefined): void =>
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(examples[index] === chosen)));
  /** Which example's picture the element is opening. */
  let opening: Example | undefined;
  const choose = async (example: Example): Promise<void> => {
    if (element.running) element.stop();
    opening = example;
    // Another one may be chosen meanwhile; what fails is shown.
    const isOpen = await element.setPicture(example.picture, `${example.title}.png`).then(
      () => true,
      () => false,
    );
    if (!isOpen || opening !== example) return;
    await element.setMask(example.fill);
    opening = undefined;
    press(example);
  };
  element.addEventListener("picture", () => press(opening));

  // The headline and the buttons are painted before the element's script runs.
  await import("../src/element/index.ts");
  await choose(examples[0]!);
}

/** The picture with its hole in the mask's colour. */
async function draw({ picture, fill }: Example, canvas: HTMLCanvasElement): Promise<void> {
  const [image, hole] = await Promise.all([decode(picture), decode(fill)]);
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(hole, 0, 0);
  const holes = context.getImageData(0, 0, image.width, image.height);
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  for (let at = 0; at < holes.data.length; at += 4) if (holes.data[at]! >= 128) pixels.data.set([225, 29, 82], at);
  context.putImageData(pixels, 0, 0);
}

async function decode(address: string): Promise<ImageBitmap> {
  return createImageBitmap(await (await fetch(address)).blob());
}
