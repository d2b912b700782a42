/** The chosen result as a field of a form: a PNG file, made in the background when it is needed. */
import type { App } from "./app.ts";

export class FormValue {
  #required = false;
  #value: File | null = null;
  readonly internals: ElementInternals;
  readonly #app: App;
  readonly #onChange: (value: File | null) => void;

  constructor(internals: ElementInternals, app: App, onChange: (value: File | null) => void) {
    this.internals = internals;
    this.#app = app;
    this.#onChange = onChange;
    app.workspace.on("chosen", () => this.update());
    this.#check();
  }

  get value(): File | null {
    return this.#value;
  }

  set required(isRequired: boolean) {
    this.#required = isRequired;
    this.#check();
  }

  /** Makes the file of what is chosen, in a form or not: `value` and `change` are the element's own. */
  update(): void {
    const { chosen } = this.#app.workspace;
    if (!chosen) return this.#set(null);
    void this.#app.files.toFile().then(
      (file) => {
        if (chosen === this.#app.workspace.chosen) this.#set(file);
      },
      () => this.#set(null),
    );
  }

  #set(value: File | null): void {
    if (value === this.#value) return;
    this.#value = value;
    this.internals.setFormValue(value);
    this.#check();
    this.#onChange(value);
  }

  #check(): void {
    if (this.#required && !this.#value)
      this.internals.setValidity({ valueMissing: true }, "Fill in a picture first", this.#app.surface.root);
    else this.internals.setValidity({});
  }
}
