import type { SequentialModel } from "./linearizable.ts";

/** What is done to a register: something that holds one value, or none. */
export type RegisterInput =
  | { readonly kind: "write"; readonly value: string }
  | { readonly kind: "read" }
  /** Writes when the register holds `expected`. */
  | { readonly kind: "compareAndSet"; readonly expected: string; readonly value: string }
  | { readonly kind: "remove" };

export type RegisterOutput =
  | { readonly kind: "done" }
  /** A condition did not hold, or there was nothing to remove; nothing has changed. */
  | { readonly kind: "refused" }
  | { readonly kind: "value"; readonly value: string };

/** A file, seen as a register: put, get, put with a precondition, remove. Empty text stands for nothing. */
export const registerModel: SequentialModel<string, RegisterInput, RegisterOutput> = {
  initial: "",
  step(held, input, output) {
    const expected = outcomeOf(held, input);
    const isPossible = output === undefined || isSame(output, expected.output);
    return isPossible ? expected.held : undefined;
  },
  keyOf: (held) => held,
};

function outcomeOf(
  held: string,
  input: RegisterInput,
): { readonly held: string; readonly output: RegisterOutput } {
  const refused = { held, output: { kind: "refused" } } as const;
  switch (input.kind) {
    case "read":
      return { held, output: { kind: "value", value: held } };
    case "write":
      return { held: input.value, output: { kind: "done" } };
    case "compareAndSet":
      if (held !== input.expected) return refused;
      return { held: input.value, output: { kind: "done" } };
    case "remove":
      return held === "" ? refused : { held: "", output: { kind: "done" } };
  }
}

function isSame(one: RegisterOutput, other: RegisterOutput): boolean {
  if (one.kind !== other.kind) return false;
  return one.kind !== "value" || other.kind !== "value" || one.value === other.value;
}
