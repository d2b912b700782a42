/**
 * The animated run: the schedule as a line that is drawn, the network's guess after each call as it was recorded, and what
 * the network is given, which is that guess with noise of its level. Who wants no motion gets the end and a slider.
 */
import { createDiffusion } from "../src/repaint/diffusion.ts";
import { scheduleTimes } from "../src/repaint/schedule.ts";
import sheetAddress from "./assets/run.jpg?url";
import run from "./assets/run.json" with { type: "json" };

/** Milliseconds that a place of the run is shown. */
const pace = 75;
/** And the end of it. */
const rest = 4000;

/** One entry for each time that is visited. */
const times = scheduleTimes(run.schedule);
const { alphaBar } = createDiffusion({
  noiseSchedule: "linear",
  diffusionSteps: 1000,
  respacing: String(run.schedule.steps),
});
/** Calls of the network until each place. */
const calls = times.map((_, at) => times.slice(0, at + 1).filter((time, i) => i > 0 && time < times[i - 1]!).length);
const rises = times.map((time, at) => at > 0 && time > times[at - 1]!);

export function showRun(figure: HTMLElement): void {
  const find = <T extends Element>(selector: string) => figure.querySelector<T>(selector)!;
  const scrub = find<HTMLInputElement>(".scrub");
  const play = find<HTMLButtonElement>(".play");
  const last = times.length - 1;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let at = still.matches ? last : 0;
  let isPlaying = !still.matches;
  let isVisible = false;
  let pictures: Pictures | undefined;
  let next = 0;

  const plot = drawPlot(find<SVGSVGElement>(".plot"), find<HTMLElement>(".dot"));
  const show = (): void => {
    plot(at);
    pictures?.show(at);
    scrub.value = String(at);
    const words = where(at);
    find(".where").textContent = words;
    scrub.setAttribute("aria-valuetext", words);
  };
  const setPlaying = (value: boolean): void => {
    isPlaying = value;
    play.classList.toggle("paused", !value);
    play.setAttribute("aria-label", value ? "Pause" : "Play");
    if (value) requestAnimationFrame(tick);
  };
  const tick = (now: number): void => {
    if (!isPlaying || !isVisible) return;
    requestAnimationFrame(tick);
    if (now < next) return;
    at = at === last ? 0 : at + 1;
    next = now + (at === last ? rest : rises[at] ? pace / 2 : pace);
    show();
  };

  scrub.max = String(last);
  scrub.addEventListener("input", () => {
    setPlaying(false);
    at = Number(scrub.value);
    show();
  });
  play.addEventListener("click", () => setPlaying(!isPlaying));
  still.addEventListener("change", () => still.matches && setPlaying(false));
  new ResizeObserver(() => plot(at)).observe(find(".plot"));
  new IntersectionObserver(
    ([entry]) => {
      isVisible = entry!.isIntersecting;
      if (isVisible && !pictures) void loadPictures(figure).then((loaded) => ((pictures = loaded), show()));
      if (isVisible) setPlaying(isPlaying);
    },
    { rootMargin: "200px" },
  ).observe(figure);
  setPlaying(isPlaying);
  show();
}

function where(at: number): string {
  const level = times[at]! + 1;
  const of = `Call ${calls[at]} of ${calls.at(-1)}, noise level ${level} of ${run.schedule.steps}`;
  if (level === 0) return `Call ${calls[at]} of ${calls.at(-1)}: done.`;
  return rises[at] ? `${of}: adding noise, back up.` : `${of}.`;
}

function drawPlot(svg: SVGSVGElement, dot: HTMLElement): (at: number) => void {
  const { width, height } = svg.viewBox.baseVal;
  const x = (at: number) => (width * at) / (times.length - 1);
  const y = (at: number) => height * (1 - (times[at]! + 1) / run.schedule.steps);
  const line = (end: number) =>
    times
      .slice(0, end + 1)
      .map((_, at) => `${at === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(at).toFixed(1)}`)
      .join("");
  svg.querySelector(".all")!.setAttribute("d", line(times.length - 1));
  const done = svg.querySelector(".done")!;
  return (at) => {
    done.setAttribute("d", line(at));
    const box = svg.getBoundingClientRect();
    dot.style.translate = `${(x(at) / width) * box.width}px ${(y(at) / height) * box.height}px`;
  };
}

interface Pictures {
  show(at: number): void;
}

async function loadPictures(figure: HTMLElement): Promise<Pictures> {
  const sheet = await createImageBitmap(await (await fetch(sheetAddress)).blob());
  const whole = figure.querySelector<HTMLCanvasElement>(".sheet canvas")!;
  whole.width = sheet.width;
  whole.height = sheet.height;
  whole.getContext("2d")!.drawImage(sheet, 0, 0);
  figure.classList.add("loaded");
  const cell = figure.querySelector<HTMLElement>(".cell")!;
  const guess = figure.querySelector<HTMLCanvasElement>(".guess")!.getContext("2d", { willReadFrequently: true })!;
  const noisy = figure.querySelector<HTMLCanvasElement>(".noisy")!.getContext("2d")!;
  const { width, height } = guess.canvas;
  const noise = gaussians(4 * width * height * 3);
  return {
    show(at) {
      const frame = Math.min(Math.max(0, calls[at]! - 1) + (times[at] === -1 ? 1 : 0), run.frames - 1);
      const [column, row] = [frame % run.columns, Math.floor(frame / run.columns)];
      cell.style.setProperty("--column", String(column));
      cell.style.setProperty("--row", String(row));
      guess.drawImage(sheet, column * width, row * height, width, height, 0, 0, width, height);
      const pixels = guess.getImageData(0, 0, width, height);
      const signal = times[at] === -1 ? 1 : alphaBar[times[at]!]!;
      const [keep, add] = [Math.sqrt(signal), 127.5 * Math.sqrt(1 - signal)];
      const start = (at * 7919) % (3 * width * height);
      for (let pixel = 0; pixel < width * height; pixel++)
        for (let channel = 0; channel < 3; channel++) {
          const i = 4 * pixel + channel;
          pixels.data[i] = 127.5 + keep * (pixels.data[i]! - 127.5) + add * noise[start + 3 * pixel + channel]!;
        }
      noisy.putImageData(pixels, 0, 0);
    },
  };
}

/** Box and Muller's. */
function gaussians(length: number): Float32Array {
  return Float32Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  );
}
