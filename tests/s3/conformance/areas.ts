import { buckets } from "./cases/buckets.ts";
import { checksumRows } from "./cases/checksums.ts";
import { copying } from "./cases/copying.ts";
import { forms } from "./cases/forms.ts";
import { listing } from "./cases/listing.ts";
import { locks } from "./cases/locks.ts";
import { multipart } from "./cases/multipart.ts";
import { multipartFaults } from "./cases/multipart-faults.ts";
import { objects } from "./cases/objects.ts";
import { reading } from "./cases/reading.ts";
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
];
