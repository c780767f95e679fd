import type { S3Error } from "../s3/errors.ts";

/** Whose signature it is, and the day, region and service it is for. */
export interface Credential {
  readonly accessKeyId: string;
  /** "20261123". */
  readonly day: string;
  readonly region: string;
}

/** How a door that takes credentials in one place refuses what is wrong with them. */
export type Refusal = (fact: string, details?: Readonly<Record<string, string>>) => S3Error;

const DAY = /^\d{8}$/u;

/** What stands in "Credential": key id, day, region, service and "aws4_request". Another region than ours is refused. */
export function parseCredential(text: string, region: string, refused: Refusal): Credential {
  const parts = text.split("/");
  const [accessKeyId = "", day = "", given = "", service = "", terminal = ""] = parts;
  if (parts.length !== 5 || accessKeyId === "") {
    throw refused(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (terminal !== "aws4_request") {
    throw refused(`incorrect terminal "${terminal}". This endpoint uses "aws4_request".`);
  }
  if (service !== "s3") {
    throw refused(`incorrect service "${service}". This endpoint belongs to "s3".`);
  }
  if (!DAY.test(day)) {
    throw refused(
      `incorrect date format "${day}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  // Clients that were told no region sign for this one.
  if (given !== region && given !== "us-east-1") {
    throw refused(`the region '${given}' is wrong; expecting '${region}'`, { Region: region });
  }
  return { accessKeyId, day, region: given };
}

/** Refuses a credential of another day than the request is of: `time` begins with it. */
export function checkDay({ day }: Credential, time: string, refused: Refusal): void {
  if (time.startsWith(day)) return;
  throw refused(
    `Invalid credential date "${day}". This date is not the same as X-Amz-Date: "${time.slice(0, 8)}".`,
  );
}

export function scopeOf({ day, region }: Credential): string {
  return `${day}/${region}/s3/aws4_request`;
}
