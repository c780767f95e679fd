import { AREAS } from "./areas.ts";
import { openTarget } from "./open-target.ts";
import { testAreas } from "./suite.ts";

testAreas(AREAS, () => openTarget(process.env));
