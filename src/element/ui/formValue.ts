/** The chosen result as a field of a form: a PNG file, made in the background when it is needed. */
import type { App } from "./app.ts";

export class FormValue {
  #required = false;
  #value: File | null = null;
  readonly #internals: ElementInternals;
  readonly #app: App;
  readonly #onChange: (value: File | null) => void;

  constructor(internals: ElementInternals, app: App, onChange: (value: File | null) => void) {
    this.#internals = internals;
    this.#app = app;
    this.#onChange = onChange;
    app.workspace.on("chosen", () => this.update());
    this.#check();
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  get value(): File | null {
    return this.#value;
  }

  set required(isRequired: boolean) {
    this.#required = isRequired;
    this.#check();
  }

  /** Makes the file of what is chosen. Where there is no form it is cheaper to ask for it (`toFile`), so none is made. */
  update(): void {
    const { chosen } = this.#app.workspace;
    if (!chosen || !this.form) return this.#set(null);
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
    this.#internals.setFormValue(value);
    this.#check();
    this.#onChange(value);
  }

  #check(): void {
    if (this.#required && !this.#value)
      this.#internals.setValidity({ valueMissing: true }, "Fill in a picture first", this.#app.surface.root);
    else this.#internals.setValidity({});
  }
}
