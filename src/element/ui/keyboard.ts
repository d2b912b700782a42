/**
 * Everything that a pointer can do, from the keyboard: a cursor that moves, Enter that puts the tool down and lifts it,
 * and one key for each command. Only while the picture has the focus, so that no letter is taken from anybody else.
 */
import type { Command } from "./commands.ts";
import { afterQuiet } from "./dom.ts";
import type { Point } from "./maskOperations.ts";
import type { PointerInput } from "./pointer.ts";
import type { Surface } from "./surface.ts";
import type { Tools } from "./tools.ts";
import type { Workspace } from "./workspace.ts";

interface Parts {
  readonly workspace: Workspace;
  readonly tools: Tools;
  readonly surface: Surface;
  readonly pointer: PointerInput;
  readonly commands: readonly Command[];
  /** Reads out. */
  readonly say: (words: string) => void;
}

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What the list of keys says beside the commands' own. */
export const otherKeys: readonly (readonly [keys: string, what: string])[] = [
  ["Arrows", "move the cursor; with Shift by one pixel"],
  ["Enter", "put the tool down, and lift it again"],
  ["Space", "one dab; held while dragging, moves the picture"],
  ["[ and ]", "smaller and larger brush; also Shift and the wheel"],
  ["Alt", "held while painting, takes away instead of adding"],
  ["Esc", "drop what is being drawn"],
];

export class KeyboardInput {
  readonly #parts: Parts;
  #at: Point = { x: 0, y: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
    const { surface, workspace, tools } = parts;
    surface.root.addEventListener("keydown", (event) => this.#down(event));
    surface.root.addEventListener("keyup", (event) => this.#up(event));
    surface.root.addEventListener("blur", () => {
      parts.pointer.setPanning(false);
      tools.cancel();
      surface.cursor = undefined;
    });
    surface.root.addEventListener("focus", () => {
      if (surface.root.matches(":focus-visible")) this.#show();
    });
    workspace.on("picture", (picture) => {
      if (picture) this.#at = { x: picture.width / 2, y: picture.height / 2 };
    });
  }

  #down(event: KeyboardEvent): void {
    const { surface, tools, pointer, workspace, say } = this.#parts;
    if (!workspace.picture || event.isComposing) return;
    const done = (): void => event.preventDefault();
    const direction = directions[event.key];
    if (direction && !event.ctrlKey && !event.metaKey && !event.altKey) {
      done();
      return surface.split === undefined ? this.#move(direction, event.shiftKey) : this.#slide(direction[0]);
    }
    const mod = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !mod) {
      done();
      if (!event.repeat) this.#toggle(event.altKey);
    } else if (event.key === " ") {
      done();
      pointer.setPanning(true);
    } else if (event.key === "Escape" && tools.isDown) {
      done();
      tools.cancel();
      say("Dropped");
    } else if ((event.key === "[" || event.key === "]") && !mod) {
      done();
      tools.stepSize(event.key === "]" ? 1 : -1);
      say(`Brush ${Math.round(tools.size)} pixels`);
    } else this.#command(event);
  }

  /** Undo and redo work wherever in the element the focus is, but where text is typed. */
  anywhere(event: KeyboardEvent): void {
    const isTyping = (event.target as Element).matches(
      "input:not([type=range], [type=radio], [type=checkbox]), select",
    );
    if (event.defaultPrevented || isTyping || !(event.ctrlKey || event.metaKey)) return;
    this.#command(event);
  }

  #command(event: KeyboardEvent): void {
    const { commands, workspace, say } = this.#parts;
    const command = commands.find(({ keys }) => keys.some((key) => matches(event, key)));
    if (!command || !workspace.picture) return;
    event.preventDefault();
    if (command.isEnabled?.() ?? true) say(command.run() ?? "");
  }

  #up(event: KeyboardEvent): void {
    if (event.key !== " ") return;
    event.preventDefault();
    const { pointer, tools } = this.#parts;
    const wasDab = pointer.isPanning && !pointer.hasPanned && !tools.isDown && tools.hasSize;
    pointer.setPanning(false);
    if (!wasDab) return;
    this.#here();
    tools.down({ ...this.#at, pressure: 1 }, { opposite: event.altKey });
    tools.up();
    this.#show();
    this.#tell();
  }

  /** The pointer's place, if that was the last to move. */
  #here(): void {
    const { cursor } = this.#parts.surface;
    if (cursor) this.#at = this.#inside(cursor);
  }

  #inside({ x, y }: Point): Point {
    const { width, height } = this.#parts.workspace.mask;
    return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
  }

  #move([dx, dy]: readonly [number, number], fine: boolean): void {
    this.#here();
    const { width, height } = this.#parts.workspace.mask;
    const step = fine ? 1 : Math.max(1, Math.round(Math.min(width, height) / 32));
    this.#at = this.#inside({ x: this.#at.x + dx * step, y: this.#at.y + dy * step });
    this.#parts.tools.move({ ...this.#at, pressure: 1 });
    this.#show();
    this.#parts.surface.reveal(this.#at);
    this.#tell();
  }

  #slide(direction: number): void {
    const { surface } = this.#parts;
    surface.split = Math.min(Math.max((surface.split ?? 0.5) + direction * 0.02, 0), 1);
  }

  #toggle(opposite: boolean): void {
    const { tools, say, workspace } = this.#parts;
    if (tools.tool === "extend") return;
    this.#here();
    this.#show();
    if (tools.isDown) {
      tools.up();
      return say("Lifted");
    }
    if (workspace.locked) return say("The mask cannot be changed while a run is under way");
    tools.down({ ...this.#at, pressure: 1 }, { opposite });
    say(`${tools.tool} down: move with the arrows, lift with Enter`);
  }

  #show(): void {
    this.#parts.surface.cursor = this.#at;
  }

  /** Where the cursor is, once it rests. */
  readonly #tell = afterQuiet(700, () => {
    const { workspace, tools, say } = this.#parts;
    const { width, height, data } = workspace.mask;
    const [x, y] = [Math.min(Math.floor(this.#at.x), width - 1), Math.min(Math.floor(this.#at.y), height - 1)];
    const state = data[y * width + x] === 1 ? "to be filled" : "known";
    say(`Column ${x + 1} of ${width}, row ${y + 1} of ${height}, ${state}${tools.isDown ? ", tool down" : ""}`);
  });
}

function matches(event: KeyboardEvent, key: string): boolean {
  const parts = key.split("+");
  const name = parts.at(-1) || "+";
  if (parts.includes("Mod") !== (event.ctrlKey || event.metaKey)) return false;
  if (parts.includes("Mod") && parts.includes("Shift") !== event.shiftKey) return false;
  return event.key.toLowerCase() === name.toLowerCase() && !event.altKey;
}
