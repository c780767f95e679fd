import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";

export const ROOT_NAME = "root";
export const POLICIES_MAX = 10;
export const KEYS_MAX = 100;
const DESCRIPTION_BYTES_MAX = 256;

const USER_NAME = /^[A-Za-z0-9+=,.@_-]{1,64}$/u;
const POLICY_NAME = /^[A-Za-z0-9+=,.@_-]{1,128}$/u;
// Without "/" and what else divides the parts of a signature.
const ACCESS_KEY_ID = /^[A-Za-z0-9+.@_-]{3,128}$/u;
const SECRET_KEY = /^[!-~]{8,128}$/u;
const EMAIL = /^[^\s@]{1,64}@[^\s@]{1,189}$/u;

export function checkUserName(name: string): void {
  if (USER_NAME.test(name)) return;
  refuse(`a user name is ${shown(name)}, expected 1 to 64 of letters, digits and +=,.@_-`);
}

export function checkPolicyName(name: string): void {
  if (POLICY_NAME.test(name)) return;
  refuse(`a policy name is ${shown(name)}, expected 1 to 128 of letters, digits and +=,.@_-`);
}

export function checkEmail(email: string): void {
  if (email === "" || EMAIL.test(email)) return;
  refuse(`an email is ${shown(email)}, expected name@host`);
}

export function checkDescription(description: string): void {
  const sizeBytes = Buffer.byteLength(description);
  if (sizeBytes <= DESCRIPTION_BYTES_MAX) return;
  refuse(`a description has ${sizeBytes} bytes, expected at most ${DESCRIPTION_BYTES_MAX}`);
}

/** What a request proves itself with. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** The pair that was asked for, or a fresh one. */
export function keyPairFrom({ accessKeyId, secretKey }: KeyPair, random: Random): KeyPair {
  if (accessKeyId === "" && secretKey === "") return freshKeyPair(random);
  if (!ACCESS_KEY_ID.test(accessKeyId)) {
    refuse(
      `an access key id is ${shown(accessKeyId)}, expected 3 to 128 of letters, digits and +.@_-`,
    );
  }
  // The secret itself is not for messages.
  if (!SECRET_KEY.test(secretKey)) {
    refuse("a secret key is not what it may be, expected 8 to 128 printable ASCII characters");
  }
  return { accessKeyId, secretKey };
}

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER = UPPER.toLowerCase();

function freshKeyPair(random: Random): KeyPair {
  return {
    accessKeyId: `CAIRN${randomText(random, UPPER, 15)}`,
    secretKey: randomText(random, LOWER, 40),
  };
}

/** Five random bits a character. */
function randomText(random: Random, alphabet: string, length: number): string {
  return Array.from(random.bytes(length), (byte) => alphabet.charAt(byte & 31)).join("");
}

function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function refuse(message: string): never {
  throw new CairnError("invalidArgument", message);
}
