import { contextKey, type PolicyDocument } from "./policy-document.ts";

/**
 * Whether a decision by the policy may look at a key, or, where `key` ends with "/", at any key that begins so: who gathers what is
 * known of a request need not look for what nobody asks.
 */
export function asksFor(policy: PolicyDocument, key: string): boolean {
  const wanted = contextKey(key);
  const isWanted = (found: string) =>
    wanted.endsWith("/") ? found.startsWith(wanted) : found === wanted;
  const isVariable = (pattern: string) => pattern.toLowerCase().includes(`\${${key.toLowerCase()}`);
  return policy.statements.some(
    ({ conditions, resources }) =>
      resources.patterns.some(isVariable) ||
      conditions.some((condition) => isWanted(condition.key) || condition.values.some(isVariable)),
  );
}
