/**
 * What can be done to mask and view, once: the toolbar's buttons, the keyboard's keys and the list of keys are made
 * from this. Not here: how they look (toolbar.ts), painting itself (tools.ts).
 */
import type { IconName } from "./icons.ts";
import { countFilled, createFillMask, grown, growStep, inverted, shrunk, type FillMask } from "./maskOperations.ts";
import type { Surface } from "./surface.ts";
import type { ToolName, Tools } from "./tools.ts";
import { countWords } from "./words.ts";
import type { Workspace } from "./workspace.ts";

export interface Command {
  readonly id: string;
  /** Also what the button is called. */
  readonly label: string;
  readonly icon: IconName;
  /** As `KeyboardEvent.key`, "Mod+" for Ctrl or ⌘. The first is the one that is shown. */
  readonly keys: readonly string[];
  readonly group: "tool" | "mask" | "history" | "view";
  /** What happened, in words to be read out. */
  run(): string | undefined;
  readonly isPressed?: () => boolean;
  readonly isEnabled?: () => boolean;
}

interface Parts {
  readonly workspace: Workspace;
  readonly tools: Tools;
  readonly surface: Surface;
}

export function createCommands({ workspace, tools, surface }: Parts): readonly Command[] {
  const hasPicture = () => workspace.picture !== undefined;
  const canPaint = () => hasPicture() && !workspace.locked;
  const tool = (id: ToolName, label: string, key: string): Command => ({
    id,
    label,
    icon: id,
    keys: [key],
    group: "tool",
    isEnabled: canPaint,
    isPressed: () => tools.tool === id,
    run: () => {
      tools.tool = id;
      return label;
    },
  });
  const change = (
    id: IconName,
    label: string,
    keys: readonly string[],
    make: (mask: FillMask) => FillMask,
    words: (mask: FillMask) => string,
  ): Command => ({
    id,
    label,
    icon: id,
    keys,
    group: "mask",
    isEnabled: canPaint,
    run: () => {
      const { mask } = workspace;
      workspace.choose(undefined);
      return workspace.replaceMask(make(mask), label.toLowerCase()) ? words(mask) : "Nothing to change";
    },
  });
  const step = (which: "undo" | "redo", label: string, keys: readonly string[], done: string): Command => ({
    id: which,
    label,
    icon: which,
    keys,
    group: "history",
    isEnabled: () => canPaint() && workspace.history[which === "undo" ? "canUndo" : "canRedo"],
    run: () => {
      workspace.choose(undefined);
      const what = workspace[which]();
      return what === undefined ? `Nothing to ${which}` : `${done}: ${what}`;
    },
  });
  const view = (id: IconName, label: string, keys: readonly string[], run: () => void): Command => ({
    id,
    label,
    icon: id,
    keys,
    group: "view",
    isEnabled: hasPicture,
    run: () => {
      run();
      return `${Math.round(surface.view.scale * 100)} %`;
    },
  });
  return [
    tool("brush", "Brush", "b"),
    tool("eraser", "Eraser", "e"),
    tool("lasso", "Lasso", "l"),
    tool("rectangle", "Rectangle", "r"),
    step("undo", "Undo", ["Mod+z"], "Undone"),
    step("redo", "Redo", ["Mod+Shift+z", "Mod+y"], "Redone"),
    change("invert", "Invert", ["i"], inverted, filledWords),
    change("grow", "Grow", ["g"], (mask) => grown(mask, growStep(mask)), (mask) => `Grown by ${countWords(growStep(mask), "pixel")}`), // prettier-ignore
    change("shrink", "Shrink", ["h"], (mask) => shrunk(mask, growStep(mask)), (mask) => `Shrunk by ${countWords(growStep(mask), "pixel")}`), // prettier-ignore
    change("clear", "Clear", ["Delete", "Backspace"], ({ width, height }) => createFillMask(width, height), () => "Mask cleared"), // prettier-ignore
    {
      id: "extend",
      label: "Larger canvas",
      icon: "extend",
      keys: ["x"],
      group: "mask",
      isEnabled: canPaint,
      isPressed: () => tools.tool === "extend",
      run: () => {
        tools.tool = tools.tool === "extend" ? "brush" : "extend";
        return tools.tool === "extend" ? "Larger canvas: move its edges, or type what to add on each side" : "Brush";
      },
    },
    view("zoomOut", "Zoom out", ["-"], () => surface.zoom(1 / 1.25)),
    view("zoomIn", "Zoom in", ["+", "="], () => surface.zoom(1.25)),
    view("fit", "Fit", ["0"], () => surface.fit()),
  ];
}

/** "12 % of the picture is to be filled". */
export function filledWords(mask: FillMask): string {
  const filled = countFilled(mask);
  const share = (100 * filled) / mask.data.length;
  if (filled === 0) return "Nothing is to be filled";
  return `${share < 1 ? "Less than 1" : Math.round(share)} % of the picture is to be filled`;
}

/** "B", "Ctrl Z", "Ctrl Shift Z", for people. */
export function keyWords(key: string, isMac = /mac|iphone|ipad/i.test(navigator.platform)): string {
  const [name, ...held] = key === "+" ? ["+"] : key.split("+").reverse();
  const shown = (part: string): string => (part === "Mod" ? (isMac ? "⌘" : "Ctrl") : part);
  return [...held.reverse().map(shown), name!.length === 1 ? name!.toUpperCase() : name!].join(" ");
}
