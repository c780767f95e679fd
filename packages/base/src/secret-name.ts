const SECRET_NAME =
  /secret|passw|passphrase|credential|authorization|cookie|token$|(?:receipt|private|access|master|session|api|signing)key$/u;

/** Whether what goes by this name (a field, a setting) must never be shown. `receiptKey`, `api_token` and `key` are such names. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_.]/gu, "");
  return plain === "key" || SECRET_NAME.test(plain);
}

/** What is shown in a secret's place. */
export const REDACTED = "[redacted]";
