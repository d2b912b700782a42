/** Colours, the frame and what stands in it: stage, layers, panel, strip. Not here: controls (controlStyles.ts). */
export const frameStyles: string = /* css */ `
:host {
  color-scheme: light dark;
  container-type: inline-size;
  display: block;
  --accent: var(--repaint-accent, light-dark(#b0123c, #ff7d98));
  --tint: var(--repaint-mask-color, #e11d52);
  --ground: var(--repaint-background, light-dark(#e9e7e2, #121315));
  --panel: var(--repaint-surface, light-dark(#fbfaf8, #1c1d20));
  --raised: light-dark(#ffffff, #27282c);
  --ink: var(--repaint-text, light-dark(#1d1b19, #f1efeb));
  --muted: light-dark(#5d5954, #aeaaa4);
  --line: light-dark(#dcd8d1, #35363b);
  --field-line: light-dark(#8b867e, #75757d);
  --focus: light-dark(#1d5fe0, #8db6ff);
  --radius: var(--repaint-radius, 14px);
  --target: 44px;
  color: var(--ink);
  font: 400 15px/1.45 var(--repaint-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
}
/* Where the panel stands below, what it needs is more than a page can know. */
:host(:state(stacked)) { min-block-size: min-content; }
:host(:focus) { outline: none; }
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.visually-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.icon { width: 22px; height: 22px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }

.frame { display: flex; flex-direction: column; min-block-size: 100%; overflow: clip; background: var(--panel); border: 1px solid var(--line); border-radius: var(--radius); }
.middle { position: relative; display: flex; flex-direction: column; min-inline-size: 0; }
.stage-box { position: relative; display: flex; flex-direction: column; }
.stage { position: relative; flex: none; overflow: clip; background: var(--ground); block-size: min(100cqi, 72vh); min-block-size: 320px; }
.panel { display: flex; flex-direction: column; gap: 20px; padding: 20px 16px; }

.surface { position: absolute; inset: 0; overflow: hidden; touch-action: none; cursor: none; outline: none; user-select: none; -webkit-user-select: none; }
.surface:focus-visible::after { content: ""; position: absolute; inset: 0; border: 3px solid var(--focus); pointer-events: none; }
.surface.locked { cursor: default; }
.surface.panning { cursor: grab; }
.surface.panning:active { cursor: grabbing; }
.surface.comparing { cursor: ew-resize; }
.sheet, .paper, .divider { position: absolute; inset: 0 auto auto 0; transform-origin: 0 0; }
.paper { background: repeating-conic-gradient(light-dark(#d8d6d2, #3a3b3f) 0 25%, light-dark(#f4f3f0, #2c2d31) 0 50%) 0 0 / 16px 16px; box-shadow: 0 0 0 1px rgb(0 0 0 / 0.1), 0 8px 32px rgb(0 0 0 / 0.16); }
.layer { position: absolute; inset: 0; display: block; }
.squares .layer { image-rendering: pixelated; }
.mask { color: var(--tint); transition: opacity 0.2s; }
.mask.faint { opacity: 0; }
.divider { inline-size: 2px; margin-inline-start: -1px; background: #fff; box-shadow: 0 0 5px rgb(0 0 0 / 0.55); pointer-events: none; }
.divider::after { content: "‹ ›"; position: absolute; inset-block-start: 50%; inset-inline-start: 50%; display: grid; place-items: center; inline-size: 40px; block-size: 40px; border-radius: 50%; background: #fff; color: #1d1b19; font: 600 17px/1 system-ui, sans-serif; box-shadow: 0 1px 6px rgb(0 0 0 / 0.4); translate: -50% -50%; }
.overlay { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; pointer-events: none; }
.outline { fill: color-mix(in srgb, var(--tint) 25%, transparent); stroke: #fff; stroke-width: 1.5; stroke-dasharray: 5 4; paint-order: stroke; filter: drop-shadow(0 0 1px #000); }
.ring { position: absolute; inset: 0 auto auto 0; border: 1.5px solid #fff; border-radius: 50%; outline: 1.5px solid rgb(0 0 0 / 0.65); outline-offset: 0; pointer-events: none; }
.ring.cross { border: 0; outline: 0; border-radius: 0; background: linear-gradient(#fff, #fff) 50% / 1.5px 100% no-repeat, linear-gradient(#fff, #fff) 50% / 100% 1.5px no-repeat; filter: drop-shadow(0 0 1px #000) drop-shadow(0 0 1px #000); }
.edges { position: absolute; inset: 0; pointer-events: none; overflow: clip; }
.edge { position: absolute; inset: 0 auto auto 0; display: grid; place-items: center; inline-size: 44px; block-size: 44px; border-radius: 12px; pointer-events: auto; touch-action: none; user-select: none; -webkit-user-select: none; cursor: ew-resize; }
:is(.edge.top, .edge.bottom) { cursor: ns-resize; }
.edge:focus-visible { outline: 3px solid var(--focus); outline-offset: -3px; }
.edge::before { content: ""; inline-size: 10px; block-size: 34px; border: 2px solid var(--raised); border-radius: 6px; background: var(--ink); box-shadow: 0 1px 6px rgb(0 0 0 / 0.4); }
:is(.edge.top, .edge.bottom)::before { inline-size: 34px; block-size: 10px; }
.canvas-outline { position: absolute; inset: 0 auto auto 0; display: grid; place-items: end center; padding: 6px; border: 2px dashed var(--ink); outline: 2px solid var(--raised); font-size: 13px; font-variant-numeric: tabular-nums; text-shadow: 0 0 4px var(--raised), 0 0 4px var(--raised); white-space: nowrap; }

.extend { display: flex; flex-wrap: wrap; align-items: end; gap: 8px; padding: 8px; border-block-end: 1px solid var(--line); background: var(--panel); }
.extend > .field { flex: 1 1 64px; }
.extend > .button { flex: 1 1 auto; }

.empty { position: relative; display: flex; flex-direction: column; align-items: center; justify-content: safe center; gap: 6px; min-block-size: min(100cqi, 72vh); padding: 20px 16px; text-align: center; }
.stage:has(> .empty:not([hidden])) { block-size: auto; }
.stage.drop::before { content: ""; position: absolute; inset: 12px; z-index: 3; border: 2px dashed var(--accent); border-radius: calc(var(--radius) - 4px); pointer-events: none; }
.empty-icon { display: grid; place-items: center; inline-size: 64px; block-size: 64px; margin-block-end: 6px; border-radius: 20px; background: var(--panel); color: var(--accent); box-shadow: 0 1px 2px rgb(0 0 0 / 0.08); }
.empty-icon .icon { inline-size: 32px; block-size: 32px; }
.empty-title { margin: 0; font-size: 22px; font-weight: 620; letter-spacing: -0.01em; }
.empty-text { margin: 0 0 12px; color: var(--muted); }
.ways { display: flex; flex-wrap: wrap; gap: 8px; justify-content: center; max-inline-size: 440px; }
.by-address { display: flex; flex: 1 1 100%; gap: 8px; }
.by-address .address { flex: 1; min-inline-size: 0; }
.busy, .offer { position: absolute; z-index: 2; inset-block-start: 12px; inset-inline: 12px; inline-size: fit-content; max-inline-size: calc(100% - 24px); margin-inline: auto; display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 8px 8px 8px 16px; border: 1px solid var(--line); border-radius: 12px; background: var(--raised); box-shadow: 0 6px 24px rgb(0 0 0 / 0.16); }
.busy { padding-inline: 16px; }
.view { position: relative; z-index: 1; display: flex; align-items: center; justify-content: center; padding: 2px; border-block-end: 1px solid var(--line); background: var(--panel); }
.zoom { min-inline-size: 62px; padding-inline: 4px 14px; white-space: nowrap; color: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; text-align: end; }

.strip { display: flex; flex-direction: column; gap: 10px; padding: 12px 16px; border-block-end: 1px solid var(--line); background: var(--panel); }
.thumbs { display: flex; gap: 10px; margin: -4px; padding: 4px; overflow-x: auto; }
.thumb { display: flex; flex: none; flex-direction: column; align-items: center; gap: 2px; padding: 0; border: 0; border-radius: 10px; background: none; color: var(--muted); font: inherit; font-size: 12px; font-variant-numeric: tabular-nums; cursor: pointer; }
.thumb canvas, .thumb-mask { display: grid; place-items: center; inline-size: 64px; block-size: 64px; border-radius: 10px; background: var(--ground); }
.thumb[aria-pressed="true"] { color: var(--ink); font-weight: 600; }
.thumb[aria-pressed="true"] > :first-child { box-shadow: 0 0 0 2px var(--panel), 0 0 0 4px var(--accent); }
.thumb-name { max-inline-size: 72px; overflow: hidden; text-overflow: ellipsis; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.actions > .strong { flex: 1; }
.compare-slider { flex: 1 1 120px; min-inline-size: 100px; }

.camera { inline-size: min(640px, calc(100vw - 32px)); padding: 12px; border: 1px solid var(--line); border-radius: var(--radius); background: var(--panel); color: var(--ink); }
.camera::backdrop { background: rgb(0 0 0 / 0.5); }
.camera video { display: block; inline-size: 100%; margin-block-end: 12px; border-radius: 10px; background: #000; }

@container (min-width: 760px) {
  .frame { display: grid; grid-template: minmax(0, 1fr) / minmax(0, 1fr) 320px; block-size: 100%; min-block-size: 0; }
  .middle { min-block-size: 0; }
  .stage { flex: 1 1 540px; block-size: auto; min-block-size: 0; }
  .empty { position: absolute; inset: 0; overflow: auto; min-block-size: 0; }
  .stage-box { flex: 1; min-block-size: 0; }
  .view { position: absolute; z-index: 1; inset-block-end: 14px; inset-inline-start: 14px; padding: 0; border: 1px solid var(--line); border-radius: 13px; background: var(--raised); box-shadow: 0 2px 10px rgb(0 0 0 / 0.1); }
  .panel { block-size: 0; min-block-size: 100%; overflow: auto; padding: 20px; border-inline-start: 1px solid var(--line); }
  .strip { flex-direction: row; align-items: center; justify-content: space-between; border-block: 1px solid var(--line); border-block-end: 0; }
  .thumbs { flex: 1; min-inline-size: 96px; }
  .actions { flex: none; justify-content: end; }
  .actions > .strong { flex: none; }
  .compare-slider { flex: 0 0 140px; }
}
@container (min-width: 1000px) { .frame { grid-template-columns: minmax(0, 1fr) 352px; } }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { transition: none !important; animation: none !important; } }
@media (forced-colors: active) { .ring, .divider::before, .edge::before { forced-color-adjust: none; } .thumb[aria-pressed="true"] { outline: 2px solid; } }
`;
