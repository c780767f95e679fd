import { CairnError } from "@cairnfs/base/errors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBucketPolicy, parseUserPolicy } from "./check-policy.ts";
import { decide } from "./decide.ts";
import { isPublic } from "./is-public.ts";
import { matches } from "./pattern.ts";
import { CONDITION_OPERATORS, contextKey, type PolicyDocument } from "./policy-document.ts";
import { asksFor } from "./policy-keys.ts";
import { ACCOUNT_ID } from "./principal.ts";

const word = fc.constantFrom("a", "b", "alice", "bob", "photos", "2026", "");
const pattern = fc
  .array(
    fc.oneof(word, fc.constantFrom("*", "?", "/", `\${aws:username}`, `\${*}`, "$", "{", ":")),
    {
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(""));
const oneOrMany = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.array(one, { maxLength: 3 }));
const key = fc.constantFrom(
  "s3:prefix",
  "aws:SourceIp",
  "aws:username",
  "s3:max-keys",
  "aws:CurrentTime",
  "s3:ExistingObjectTag/a",
);
const operator = fc
  .tuple(
    fc.constantFrom("", "ForAllValues:", "ForAnyValue:"),
    fc.constantFrom(...CONDITION_OPERATORS),
    fc.constantFrom("", "IfExists"),
  )
  .map((parts) => parts.join(""));
const value = fc.oneof(
  pattern,
  fc.constantFrom("10.0.0.0/8", "true", "5", "2026-01-01T00:00:00Z"),
  fc.integer(),
  fc.boolean(),
);
const principal = fc.oneof(
  fc.constant("*"),
  fc.record({
    AWS: oneOrMany(
      fc.oneof(word, fc.constantFrom("*", ACCOUNT_ID, `arn:aws:iam::${ACCOUNT_ID}:user/alice`)),
    ),
  }),
);
const statement = fc.record(
  {
    Effect: fc.constantFrom("Allow", "Deny"),
    Principal: principal,
    NotPrincipal: principal,
    Action: oneOrMany(fc.constantFrom("s3:GetObject", "s3:*", "*", "s3:Get*", "s3:ListBucket")),
    NotAction: oneOrMany(fc.constantFrom("s3:PutObject", "s3:*")),
    Resource: oneOrMany(
      fc.oneof(
        pattern.map((path) => `arn:aws:s3:::photos/${path}`),
        pattern,
      ),
    ),
    NotResource: oneOrMany(pattern.map((path) => `arn:aws:s3:::photos${path}`)),
    Condition: fc.dictionary(operator, fc.dictionary(key, oneOrMany(value), { maxKeys: 2 }), {
      maxKeys: 2,
    }),
  },
  { requiredKeys: ["Effect"] },
);
const document = fc.record({
  Version: fc.constantFrom("2008-10-17", "2012-10-17"),
  Statement: fc.array(statement, { minLength: 1, maxLength: 4 }),
});
const context = fc
  .dictionary(key, fc.array(fc.oneof(word, pattern, fc.string()), { maxLength: 3 }))
  .map((values) => new Map(Object.entries(values).map(([name, list]) => [contextKey(name), list])));
const asked = fc.record({
  principal: fc.constantFrom(
    { kind: "anonymous" } as const,
    { kind: "user", id: "a".repeat(64), name: "alice", isRoot: false } as const,
    { kind: "user", id: "0".repeat(64), name: "root", isRoot: true } as const,
  ),
  action: fc.constantFrom("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
  resource: fc.oneof(fc.constant("arn:aws:s3:::photos/a/b"), fc.string()),
  context,
});

/** The document, or undefined where it is refused as malformed; nothing else may come of it. */
function parsed(run: () => PolicyDocument): PolicyDocument | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CairnError && error.reason === "malformedPolicy") return undefined;
    throw error;
  }
}

test("whatever is given as a policy is taken apart or refused as malformed", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((given) => JSON.stringify({ Statement: given })),
    document.map((given) => JSON.stringify(given)),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const policy of [
        parsed(() => parseBucketPolicy(text, "photos")),
        parsed(() => parseUserPolicy(text)),
      ]) {
        if (policy === undefined) continue;
        expect(policy.statements.length).toBeGreaterThan(0);
        expect(typeof isPublic(policy)).toBe("boolean");
        expect(typeof asksFor(policy, "s3:ExistingObjectTag/")).toBe("boolean");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a statement more that denies never allows, one more that allows never denies", () => {
  fc.assert(
    fc.property(document, statement, asked, (given, added, request) => {
      const sets = [given.Statement, [...given.Statement, added], [added, ...given.Statement]];
      const effects = sets.map((statements) => {
        const text = JSON.stringify({ ...given, Statement: statements });
        const policy = parsed(() => parseBucketPolicy(text, "photos"));
        if (policy === undefined) return undefined;
        return decide(request, { identityPolicies: [], resourcePolicy: policy }).effect;
      });
      const [before, after, reversed] = effects;
      if (before === undefined || after === undefined) return;
      expect(after).toBe(reversed);
      if (added.Effect === "Deny") expect([before, after]).not.toEqual(["deny", "allow"]);
      else expect([before, after]).not.toEqual(["allow", "deny"]);
    }),
    { numRuns: 2000 },
  );
});

test("patterns match what a regular expression of the same meaning matches", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 12 });
  const texts = fc.array(fc.constantFrom("a", "b"), { maxLength: 16 });
  fc.assert(
    fc.property(letters, texts, (parts, text) => {
      const source = parts
        .map((part) => (part === "*" ? ".*" : part === "?" ? "." : part))
        .join("");
      const expected = new RegExp(`^${source}$`, "u").test(text.join(""));
      expect(matches(parts.join(""), text.join(""))).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});
