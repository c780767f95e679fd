import { allowOnly, readDocument, requiredWord } from "../xml/fields.ts";

/** Who pays for requests. */
export type Payer = "BucketOwner" | "Requester";

/** Whom a `RequestPaymentConfiguration` document names. */
export function readRequestPayment(document: string): Payer {
  const root = readDocument(document, "RequestPaymentConfiguration");
  allowOnly(root, "Payer");
  return requiredWord(root, "Payer", ["BucketOwner", "Requester"] as const);
}
