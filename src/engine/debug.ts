/**
 * What was chosen and why, for whoever asks: off until `showDebug`, and then it costs nothing but the question. Not
 * here: who asks (the command line by REPAINT_DEBUG, the element by a global of that name) and most of the words, which
 * are loaded when they are wanted (src/unet/debugWords.ts).
 */
import { InputError } from "../errors.ts";

/** `kernels`: what runs each layer. `tuner`: what was timed. `plan`: dispatches and memory of each session. */
export const debugTopics = ["kernels", "tuner", "plan"] as const;

type DebugTopic = (typeof debugTopics)[number];

let shown: readonly string[] = [];
let print: (line: string) => void;

/**
 * Prints lines about these topics from now on, "kernels,plan", in place of those before; "" is none.
 * @throws InputError for a topic that there is not
 */
export function showDebug(topics: string, to: (line: string) => void = (line) => console.debug(line)): void {
  const words = topics.split(",").map((word) => word.trim());
  const stray = words.find((word) => word && !(debugTopics as readonly string[]).includes(word));
  if (stray)
    throw new InputError(`REPAINT_DEBUG: expected some of ${debugTopics.join(",")}, got "${stray.slice(0, 40)}"`);
  shown = words;
  print = to;
}

export const showsDebug = (topic: DebugTopic): boolean => shown.includes(topic);

/** Prints a line that is made only where its topic is shown. */
export function debug(topic: DebugTopic, line: () => string): void {
  if (showsDebug(topic)) print(`${topic}: ${line()}`);
}
