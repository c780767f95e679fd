import { buckets } from "./cases/buckets.ts";
import { listing } from "./cases/listing.ts";
import { objects } from "./cases/objects.ts";
import { reading } from "./cases/reading.ts";
import type { Area } from "./support/case.ts";

/** All areas of the suite. */
export const AREAS: readonly Area[] = [buckets, objects, reading, listing];
