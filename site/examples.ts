/**
 * Example pictures as buttons: each puts its picture and mask into the element, which takes the network that knows such
 * pictures. The first one is in it from the start.
 */
import manifest from "../weights/manifest.json" with { type: "json" };
import type { RepaintInpaint } from "../src/element/index.ts";

const files = import.meta.glob<string>(["../weights/examples/*.png", "./pictures/*.{png,jpg}"], {
  query: "?url",
  import: "default",
  eager: true,
});

/** What the names of pictures mean to people. */
const titles: Readonly<Record<string, string>> = {
  "1-half-right": "Right half",
  "2-half-left": "Left half",
  "3-one-eye": "One eye",
  "4-both-eyes": "Both eyes",
  "5-expand": "All around",
  "6-alternate-lines": "Every other line",
  "7-super-resolve": "3 of 4 pixels",
  "8-top": "The top",
};

interface Example {
  readonly title: string;
  /** A shipped network's name. */
  readonly model: string;
  readonly picture: string;
  readonly fill: string;
  /** Of large pictures: a small one with the hole in the mask's colour. */
  readonly small: string | undefined;
}

const own = (title: string, model: string, name: string, ending: string): Example => ({
  title,
  model,
  picture: files[`./pictures/${name}${ending}`]!,
  fill: files[`./pictures/${name}.fill.png`]!,
  small: files[`./pictures/${name}.small.jpg`],
});

const { name: portraits64, examples: portraits } = manifest.models[0]!;
const examples: readonly Example[] = [
  ...portraits.map(({ name, picture, fill }) => ({
    title: titles[name] ?? name,
    model: portraits64,
    picture: files[`../weights/${picture}`]!,
    fill: files[`../weights/${fill}`]!,
    small: undefined,
  })),
  own("A poster", portraits64, "poster", ".png"),
  own("A balloon", "scenes64", "2-balloon", ".jpg"),
  own("Birds", "scenes64", "3-birds", ".jpg"),
  own("A sign", "scenes64", "1-sign", ".jpg"),
  own("People", "scenes64", "4-people", ".jpg"),
  own("A lamp post", "scenes64", "5-post", ".jpg"),
];

export async function showExamples(place: HTMLElement, element: RepaintInpaint): Promise<void> {
  const buttons = examples.map((example) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.setAttribute("aria-pressed", "false");
    button.append(example.small ? shown(example.small) : drawn(example), example.title);
    button.addEventListener("click", () => void choose(example));
    return button;
  });
  place.append(...buttons);

  const press = (chosen: Example | undefined): void =>
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(examples[index] === chosen)));
  /** Which example's picture the element is opening. */
  let opening: Example | undefined;
  const choose = async (example: Example): Promise<void> => {
    if (element.running) element.stop();
    opening = example;
    // A model that somebody has chosen in the element stays until an example needs another than the one before it.
    if (element.getAttribute("model") !== example.model) element.setAttribute("model", example.model);
    // Portraits have one scale alone.
    element.setAttribute("detail", example.model === "scenes64" ? "auto" : "model");
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

function shown(address: string): HTMLImageElement {
  const image = new Image();
  image.src = address;
  image.alt = "";
  return image;
}

function drawn(example: Example): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  void draw(example, canvas);
  return canvas;
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
