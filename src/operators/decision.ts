/** Which candidate runs a layer, and who chose it. */
export interface Decision<Choice> {
  readonly choice: Choice;
  /** A tuner's answer, the rule of a table that the layer meets, or neither: then it is the first candidate. */
  readonly by: "tuner" | ChosenRule | undefined;
}

/** A rule with its conditions, by name. */
export interface ChosenRule {
  readonly id: string;
}

/** The tuner's answer where it is a candidate, else the first of the rules that names one. */
export function decide<Choice extends { readonly id: string }>(
  candidates: readonly Choice[],
  tuned: string | undefined,
  rules: readonly ChosenRule[],
): Decision<Choice> {
  const find = (id: string) => candidates.find((one) => one.id === id);
  const answer = tuned === undefined ? undefined : find(tuned);
  if (answer) return { choice: answer, by: "tuner" };
  for (const rule of rules) {
    const choice = find(rule.id);
    if (choice) return { choice, by: rule };
  }
  return { choice: candidates[0]!, by: undefined };
}
