import { acls } from "./cases/acls.ts";
import { buckets } from "./cases/buckets.ts";
import { checksumRows } from "./cases/checksums.ts";
import { copying } from "./cases/copying.ts";
import { corsRows } from "./cases/cors.ts";
import { encryption } from "./cases/encryption.ts";
import { forms } from "./cases/forms.ts";
import { lifecycle } from "./cases/lifecycle.ts";
import { listing } from "./cases/listing.ts";
import { locks } from "./cases/locks.ts";
import { multipart } from "./cases/multipart.ts";
import { multipartFaults } from "./cases/multipart-faults.ts";
import { objects } from "./cases/objects.ts";
import { policies } from "./cases/policies.ts";
import { policyConditions } from "./cases/policy-conditions.ts";
import { publicAccess } from "./cases/public-access.ts";
import { reading } from "./cases/reading.ts";
import { settings, strangeKeys } from "./cases/settings.ts";
import { signing } from "./cases/signing.ts";
import { tagSets } from "./cases/tags.ts";
import { versionLists } from "./cases/version-lists.ts";
import { versions } from "./cases/versions.ts";
import { writing } from "./cases/writing.ts";
import type { Area } from "./support/case.ts";

/** All areas of the suite. */
export const AREAS: readonly Area[] = [
  buckets,
  objects,
  reading,
  listing,
  writing,
  copying,
  tagSets,
  versions,
  versionLists,
  locks,
  multipart,
  multipartFaults,
  checksumRows,
  signing,
  forms,
  acls,
  policies,
  policyConditions,
  publicAccess,
  encryption,
  corsRows,
  lifecycle,
  settings,
  strangeKeys,
];
