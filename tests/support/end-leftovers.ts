import { endLeftovers } from "@cairnfs/testkit/leftovers";
import { afterAll } from "vitest";

afterAll(endLeftovers);
