/** Buttons, fields, menus, sliders, the plot. Not here: where they stand (frameStyles.ts). */
export const controlStyles: string = /* css */ `
button, input, select { font: inherit; color: inherit; letter-spacing: inherit; }
p { margin: 0; }
:is(button, input, select, summary, a):focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.button { display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-inline-size: var(--target); min-block-size: var(--target); padding: 0 14px 0 12px; border: 1px solid var(--line); border-radius: 11px; background: var(--raised); font-weight: 520; white-space: nowrap; cursor: pointer; transition: background-color 0.12s, border-color 0.12s; }
.button:hover:enabled { border-color: var(--field-line); }
.button:active { background: color-mix(in srgb, var(--raised), var(--ink) 8%); }
.button:disabled { opacity: 0.42; cursor: default; }
.button.icon-only { padding: 0; border-color: transparent; background: none; }
.button.icon-only:hover:enabled { background: color-mix(in srgb, var(--ink) 7%, transparent); }
.button[aria-pressed="true"] { border-color: transparent; background: color-mix(in srgb, var(--accent) 14%, transparent); color: var(--accent); }
.button.icon-only[aria-pressed="true"]:hover:enabled { background: color-mix(in srgb, var(--accent) 20%, transparent); }
.button.quiet { border-color: transparent; background: none; }
.button.quiet:hover { background: color-mix(in srgb, var(--ink) 7%, transparent); }
.button.strong, .button.primary { border-color: transparent; background: var(--ink); color: var(--panel); }
.button.strong:hover:enabled, .button.primary:hover:enabled { background: color-mix(in srgb, var(--ink), var(--panel) 14%); }
.button.primary { inline-size: 100%; min-block-size: 52px; border-radius: 13px; font-size: 17px; font-weight: 600; }
.button.main { flex: 1 1 100%; border-color: transparent; background: var(--ink); color: var(--panel); min-block-size: 48px; }
.row { display: flex; gap: 8px; }
.row > .button { flex: 1; }

.toolbar { position: relative; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 0; padding: 3px; border-block-end: 1px solid var(--line); background: var(--panel); }
.group { display: flex; align-items: center; }
.open-button, .mask-button { padding: 0; border-color: transparent; background: none; }
:is(.open-button, .mask-button) > span { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
.sizes { flex: 1 1 100%; order: 1; gap: 10px; padding-inline: 8px; }
.inline { display: none; }
.size { flex: 1; min-inline-size: 60px; }
.size-text { min-inline-size: 46px; color: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; text-align: end; }
.menu { position: static; }
.menu-panel { position: absolute; z-index: 5; inset-block-start: calc(100% + 6px); inset-inline: 8px auto; inline-size: max-content; max-inline-size: min(320px, calc(100cqi - 24px)); max-block-size: 70vh; overflow: auto; padding: 12px; outline: none; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: 0 14px 44px rgb(0 0 0 / 0.22); }
.menu.end .menu-panel { inset-inline: auto 8px; }
.menu-panel.ways { inline-size: 300px; }
.menu-title { margin: 12px 0 6px; color: var(--muted); font-size: 13px; font-weight: 560; }
.menu-title:first-child { margin-block-start: 0; }
.mask-menu { inline-size: 300px; }
.mask-menu .button { inline-size: 100%; margin-block-end: 6px; justify-content: start; }
.patterns, .narrow { display: grid; grid-template-columns: 1fr 1fr; gap: 0 6px; }
.patterns .button { padding-inline: 11px 4px; font-size: 14px; }
.keys dl { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; margin: 0; font-size: 14px; }
.keys dd { margin: 0; color: var(--muted); }
kbd { padding: 1px 6px; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); font: inherit; font-size: 12.5px; white-space: nowrap; }

input:is([type="text"], [type="url"], [type="number"]), select { inline-size: 100%; min-inline-size: 0; min-block-size: var(--target); padding: 0 12px; border: 1px solid var(--field-line); border-radius: 10px; background: var(--raised); font-variant-numeric: tabular-nums; }
input:user-invalid { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
::placeholder { color: var(--muted); opacity: 1; }
input[type="range"] { block-size: var(--target); margin: 0; appearance: none; background: none; cursor: pointer; }
input[type="range"]:disabled { opacity: 0.42; cursor: default; }
input[type="range"]::-webkit-slider-runnable-track { block-size: 4px; border-radius: 2px; background: var(--field-line); }
input[type="range"]::-moz-range-track { block-size: 4px; border-radius: 2px; background: var(--field-line); }
input[type="range"]::-webkit-slider-thumb { appearance: none; inline-size: 22px; block-size: 22px; margin-block-start: -9px; border: 3px solid var(--panel); border-radius: 50%; background: var(--ink); box-shadow: 0 0 0 1px var(--field-line); }
input[type="range"]::-moz-range-thumb { box-sizing: border-box; inline-size: 22px; block-size: 22px; border: 3px solid var(--panel); border-radius: 50%; background: var(--ink); box-shadow: 0 0 0 1px var(--field-line); }
.switch { appearance: none; position: relative; inline-size: 48px; block-size: 28px; margin: 0; border-radius: 14px; background: var(--field-line); cursor: pointer; transition: background-color 0.15s; }
.switch::before { content: ""; position: absolute; inset: 3px auto 3px 3px; inline-size: 22px; border-radius: 50%; background: var(--raised); transition: translate 0.15s; }
.switch:checked { background: var(--accent); }
.switch:checked::before { translate: 20px; background: light-dark(#fff, #1c1d20); }

fieldset { min-inline-size: 0; margin: 0; padding: 0; border: 0; }
.settings-fields { display: flex; flex-direction: column; gap: 14px; }
.segments { display: grid; grid-template-columns: repeat(3, 1fr); gap: 3px; padding: 3px; border-radius: 13px; background: var(--ground); }
.segment { position: relative; display: flex; flex-direction: column; align-items: center; justify-content: center; min-block-size: 52px; border-radius: 10px; cursor: pointer; text-align: center; line-height: 1.25; }
.segment input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.segment:has(:checked) { background: var(--raised); box-shadow: 0 1px 3px rgb(0 0 0 / 0.16); }
.segment:has(:focus-visible) { outline: 3px solid var(--focus); outline-offset: 1px; }
.segment-name { font-weight: 560; }
.segment-what { color: var(--muted); font-size: 12px; }
.settings-fields:disabled .segment { cursor: default; }
.plot-box { margin: 0; }
.plot { display: block; inline-size: 100%; overflow: visible; }
.plot path { fill: none; vector-effect: non-scaling-stroke; }
.plot-axis { stroke: var(--line); stroke-width: 1; }
.plot-line { stroke: var(--accent); stroke-width: 1.4; stroke-linejoin: round; }
.plot-now { fill: var(--ink); stroke: var(--panel); stroke-width: 2; opacity: 0; }
.plot-now.shown { opacity: 1; }
.plot-text { margin-block-start: 6px; color: var(--muted); font-size: 13px; }
.fields { display: flex; flex-direction: column; gap: 12px; padding-block-start: 8px; }
.field { display: block; }
.field-label { display: block; margin-block-end: 4px; font-size: 13px; color: var(--muted); }
.field-after { color: var(--muted); font-size: 13px; }
.field > input[type="range"] { inline-size: calc(100% - 84px); vertical-align: middle; margin-inline-end: 10px; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: 10px; align-items: end; }
.double { display: grid; grid-template-columns: 1fr 1.4fr; gap: 10px; align-items: end; }
.classes { display: flex; gap: 10px; align-items: end; }
.classes > .field { flex: 1; min-inline-size: 0; }
.seed { display: flex; gap: 4px; align-items: end; }
.seed > .field { flex: 1; }
.switch-field { display: flex; align-items: center; justify-content: space-between; min-block-size: var(--target); cursor: pointer; }

.more > summary { display: flex; align-items: center; gap: 10px; min-block-size: var(--target); margin-inline: -8px; padding-inline: 8px; border-radius: 10px; cursor: pointer; font-weight: 520; list-style: none; }
.more > summary::-webkit-details-marker { display: none; }
.more > summary::after { content: ""; inline-size: 8px; block-size: 8px; margin-inline-start: auto; margin-inline-end: 4px; border: solid currentColor; border-width: 0 1.8px 1.8px 0; rotate: 45deg; transition: rotate 0.15s; }
.more[open] > summary::after { rotate: 225deg; }
.more > summary:hover { background: color-mix(in srgb, var(--ink) 5%, transparent); }

.run { display: flex; flex-direction: column; gap: 10px; }
.run + .switch-field { margin-block: -16px -12px; color: var(--muted); }
.run-line { color: var(--muted); font-variant-numeric: tabular-nums; min-block-size: 1.45em; }
.run-line.problem { color: var(--accent); }
.note { display: flex; align-items: start; gap: 4px; padding: 10px 4px 10px 14px; border-radius: 12px; background: color-mix(in srgb, var(--accent) 10%, var(--panel)); }
.note p { flex: 1; padding-block: 10px; overflow-wrap: anywhere; }
.bar { appearance: none; inline-size: 100%; block-size: 8px; border: 0; border-radius: 4px; background: var(--line); overflow: hidden; }
.bar::-webkit-progress-bar { background: var(--line); }
.bar::-webkit-progress-value { background: var(--accent); transition: inline-size 0.2s linear; }
.bar::-moz-progress-bar { background: var(--accent); }
.bar.thin { block-size: 4px; }
.bar:indeterminate { background: linear-gradient(90deg, var(--line) 30%, var(--accent) 50%, var(--line) 70%) 0 / 300% 100%; animation: slide 1.6s linear infinite; }
.bar:indeterminate::-webkit-progress-bar { background: none; }
@keyframes slide { from { background-position: 100% 0; } to { background-position: -50% 0; } }

.model-section { border-block-start: 1px solid var(--line); padding-block-start: 10px; }
.model-words { display: flex; flex-direction: column; min-inline-size: 0; line-height: 1.3; }
.model-name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.model-state { color: var(--muted); font-size: 13px; font-weight: 400; }
.model > summary { min-block-size: 52px; }
.model-ways { display: flex; flex-direction: column; gap: 8px; padding-block: 8px; }
.model-ways .button { justify-content: start; }
.guide-state { font-size: 13px; color: var(--muted); }
.model-ways .by-address .button { justify-content: center; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: 2px 14px; margin: 4px 0 8px; font-size: 13px; }
.facts:empty { display: none; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.model-warning:empty { display: none; }
.released, .cached, .model-warning { overflow-wrap: anywhere; font-size: 13px; color: var(--muted); }
.released summary { min-block-size: var(--target); align-content: center; cursor: pointer; }
.released ul, .cached ul { display: grid; gap: 8px; margin: 8px 0; padding: 0; list-style: none; }
.released strong { display: block; color: var(--ink); font-weight: 560; }
.cached li { display: flex; align-items: center; justify-content: space-between; gap: 8px; }
.cached li span { overflow-wrap: anywhere; }

@container (min-width: 760px) {
  .toolbar { justify-content: start; gap: 4px 6px; padding: 6px 8px; }
  :is(.open-button, .mask-button) { padding: 0 14px 0 12px; border-color: var(--line); background: var(--raised); }
  :is(.open-button, .mask-button) > span { position: static; inline-size: auto; block-size: auto; clip-path: none; }
  .menu { position: relative; }
  .menu-panel { inset-inline: 0 auto; }
  .menu.end .menu-panel { inset-inline: auto 0; }
  .menu.up .menu-panel { inset-block: auto calc(100% + 8px); }
  .sizes { flex: 1 1 120px; order: 0; min-inline-size: 120px; max-inline-size: 260px; gap: 4px; }
}
@container (min-width: 1200px) {
  .inline { display: flex; margin-inline-start: auto; }
  .mask-menu .narrow { display: none; }
}
@media (pointer: fine) {
  @container (min-width: 760px) { .toolbar, .view { --target: 40px; } }
}
`;
