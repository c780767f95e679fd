import type { AccessKey, NewAccessKey } from "@cairnfs/client/access";
import { humanIn, localTime } from "../format.ts";
import type { Output } from "../output.ts";
import type { Column } from "../table.ts";

/** Shows a key that was just made, with its secret. */
export async function showNewKey(output: Output, key: NewAccessKey): Promise<void> {
  if (output.isJson) {
    await output.json(key);
    return;
  }
  await output.table(
    [{ title: "" }, { title: "" }],
    [
      ["user", key.userName],
      ["access key", key.accessKeyId],
      ["secret key", key.secretKey],
      ...(key.expiresMs === undefined ? [] : [["expires", localTime(key.expiresMs)]]),
    ],
  );
  output.remark("the secret is shown this once: keep it");
}

export const KEY_COLUMNS: readonly Column[] = [
  { title: "Access key" },
  { title: "User" },
  { title: "Made" },
  { title: "State" },
  { title: "Description" },
];

export function keyRow(key: AccessKey, output: Output, nowMs: number): string[] {
  return [
    key.accessKeyId,
    key.userName,
    localTime(key.createdMs),
    stateOf(key, nowMs),
    output.name(key.description),
  ];
}

function stateOf({ isDisabled, expiresMs }: AccessKey, nowMs: number): string {
  if (isDisabled) return "disabled";
  if (expiresMs === undefined) return "good";
  return expiresMs <= nowMs ? "expired" : `expires ${humanIn(expiresMs - nowMs)}`;
}
