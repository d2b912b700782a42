/**
 * An animated run: its noise levels as a line that is drawn, the network's guess after each call as it was recorded,
 * and what the network is given, which is that guess with noise of its level. Who wants no motion gets the end and a
 * slider.
 */
import { createDiffusion } from "../src/repaint/diffusion.ts";
import { noiseLevels, type Sampling } from "../src/repaint/sampling.ts";
import { walkOf } from "../src/repaint/walk.ts";

/** What scripts/record-run.mjs writes beside the sheet of pictures. */
export interface RecordedRun {
  readonly sampling: Sampling;
  /** On the sheet, one after each call and the result. */
  readonly frames: number;
  readonly columns: number;
}

/** Milliseconds that a place of the run is shown. */
const pace = 75;
/** And the end of it. */
const rest = 4000;

/** A run, place by place. */
interface Places {
  /** The noise level of each, −1 for the finished picture, and how many there are of them. */
  readonly times: readonly number[];
  readonly levels: number;
  readonly alphaBar: Float64Array;
  /** Calls of the network until each place, and whether noise was added on the way to it. */
  readonly calls: readonly number[];
  readonly rises: readonly boolean[];
}

function placesOf(sampling: Sampling): Places {
  const walk = walkOf(sampling);
  const levels = noiseLevels(sampling);
  const { alphaBar } = createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing: String(levels) });
  return {
    times: walk.levels,
    levels,
    alphaBar,
    calls: walk.levels.map((_, at) => walk.calls.filter((call) => call <= at).length),
    rises: walk.levels.map((level, at) => at > 0 && level > walk.levels[at - 1]!),
  };
}

/** `figure` has a caption; what else it takes is the page's template "film". */
export function showRun(figure: HTMLElement, run: RecordedRun, sheetAddress: string): void {
  figure.prepend(document.querySelector<HTMLTemplateElement>("template#film")!.content.cloneNode(true));
  const places = placesOf(run.sampling);
  const { times, rises } = places;
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

  const plot = drawPlot(places, find<SVGSVGElement>(".plot"), find<HTMLElement>(".dot"));
  const show = (): void => {
    plot(at);
    pictures?.show(at);
    scrub.value = String(at);
    const words = where(places, at);
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

  find<HTMLElement>(".sheet").style.setProperty("--columns", String(run.columns));
  find<HTMLElement>(".sheet").style.setProperty("--rows", String(Math.ceil(run.frames / run.columns)));
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
      if (isVisible && !pictures)
        void loadPictures(figure, { places, run, sheetAddress }).then((loaded) => ((pictures = loaded), show()));
      if (isVisible) setPlaying(isPlaying);
    },
    { rootMargin: "200px" },
  ).observe(figure);
  setPlaying(isPlaying);
  show();
}

function where({ times, levels, calls, rises }: Places, at: number): string {
  const level = times[at]! + 1;
  const of = `Call ${calls[at]} of ${calls.at(-1)}, noise level ${level} of ${levels}`;
  if (level === 0) return `Call ${calls[at]} of ${calls.at(-1)}: done.`;
  return rises[at] ? `${of}: adding noise, back up.` : `${of}.`;
}

function drawPlot({ times, levels }: Places, svg: SVGSVGElement, dot: HTMLElement): (at: number) => void {
  const { width, height } = svg.viewBox.baseVal;
  const x = (at: number) => (width * at) / (times.length - 1);
  const y = (at: number) => height * (1 - (times[at]! + 1) / levels);
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

interface Recording {
  readonly places: Places;
  readonly run: RecordedRun;
  readonly sheetAddress: string;
}

async function loadPictures(
  figure: HTMLElement,
  { places: { times, calls, alphaBar }, run, sheetAddress }: Recording,
): Promise<Pictures> {
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
