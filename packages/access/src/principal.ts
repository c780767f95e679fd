import type { PrincipalSet } from "./policy-document.ts";

/** Who wants something. */
export type Principal =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "user";
      /** 64 hexadecimal digits. */
      readonly id: string;
      readonly name: string;
      readonly isRoot: boolean;
    };

/** The account that all users of a cluster are in. */
export const ACCOUNT_ID = "000000000000";

const USER_ARN = /^arn:aws:iam::([^:]*):(?:root|user\/(?:[^*?]*\/)?([^/*?]+))$/u;

/** A user as policies name it. */
export function userArn(user: { readonly name: string; readonly isRoot: boolean }): string {
  return user.isRoot
    ? `arn:aws:iam::${ACCOUNT_ID}:root`
    : `arn:aws:iam::${ACCOUNT_ID}:user/${user.name}`;
}

/** Whether a text may stand under "AWS" in a statement: "*", an ARN of a user, an id or a name. */
export function isUserPattern(text: string): boolean {
  if (text === "*") return true;
  if (text.startsWith("arn:")) return USER_ARN.test(text);
  return /^[A-Za-z0-9+=,.@_-]{1,64}$/u.test(text);
}

/** Whether the statement is about this principal. */
export function isAmong(principal: Principal, set: PrincipalSet): boolean {
  return isNamed(principal, set) !== set.isNot;
}

function isNamed(principal: Principal, set: PrincipalSet): boolean {
  if (set.isEveryone) return true;
  if (principal.kind === "anonymous") return false;
  if (set.userIds.includes(principal.id)) return true;
  return set.users.some((text) => names(text, principal));
}

type UserPrincipal = Extract<Principal, { readonly kind: "user" }>;

function names(text: string, user: UserPrincipal): boolean {
  if (text === user.name || text === user.id) return true;
  const found = USER_ARN.exec(text);
  if (found === null) return text === ACCOUNT_ID && user.isRoot;
  const [, account = "", name] = found;
  // An account is what elsewhere a user is: its root is the user with this id, or ours.
  if (name === undefined) return account === user.id || (account === ACCOUNT_ID && user.isRoot);
  return name === user.name || name === user.id;
}
