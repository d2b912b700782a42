/** Where the picture stands on the stage: fitting, zooming about a point, panning, and the way back to pixels. Pure. */
import type { Point } from "./maskOperations.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The picture's corner stands at (x, y) of the stage, in CSS pixels; a pixel of it takes `scale` of them. */
export interface View extends Point {
  readonly scale: number;
}

/** How far one can zoom in: a pixel of the picture then takes this many of the stage. */
const largestScale = 48;

/** All of the picture, in the middle, with a little air around it; small pictures are enlarged. */
export function fit(picture: Size, stage: Size, margin: number): View {
  const room = { width: Math.max(1, stage.width - 2 * margin), height: Math.max(1, stage.height - 2 * margin) };
  const scale = Math.min(room.width / picture.width, room.height / picture.height, largestScale);
  return centred(picture, stage, scale);
}

export function centred(picture: Size, stage: Size, scale: number): View {
  return {
    scale,
    x: (stage.width - picture.width * scale) / 2,
    y: (stage.height - picture.height * scale) / 2,
  };
}

/** The point of the stage keeps the pixel that it shows. */
export function zoomAt(view: View, at: Point, factor: number, picture: Size, stage: Size): View {
  const smallest = Math.min(fit(picture, stage, 0).scale, 1) / 2;
  const scale = Math.min(Math.max(view.scale * factor, smallest), largestScale);
  const ratio = scale / view.scale;
  return held({ scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }, picture, stage);
}

export function panned(view: View, by: Point, picture: Size, stage: Size): View {
  return held({ ...view, x: view.x + by.x, y: view.y + by.y }, picture, stage);
}

/** At least this much of the picture stays on the stage, in CSS pixels. */
const visible = 48;

function held(view: View, picture: Size, stage: Size): View {
  const hold = (at: number, length: number, room: number): number => {
    const least = Math.min(visible, length, room);
    return Math.min(Math.max(at, least - length), room - least);
  };
  return {
    scale: view.scale,
    x: hold(view.x, picture.width * view.scale, stage.width),
    y: hold(view.y, picture.height * view.scale, stage.height),
  };
}

/** Moved as little as needed so that the point of the picture is on the stage, `margin` away from its edge. */
export function showing(view: View, point: Point, stage: Size, margin: number): View {
  const at = toStage(view, point);
  const move = (value: number, room: number): number => {
    const least = Math.min(margin, room / 2);
    return Math.min(Math.max(value, least), room - least) - value;
  };
  return { ...view, x: view.x + move(at.x, stage.width), y: view.y + move(at.y, stage.height) };
}

export function toPicture(view: View, at: Point): Point {
  return { x: (at.x - view.x) / view.scale, y: (at.y - view.y) / view.scale };
}

export function toStage(view: View, at: Point): Point {
  return { x: view.x + at.x * view.scale, y: view.y + at.y * view.scale };
}
