/** A policy that many users have, so that nobody has to write it. */
interface Preset {
  readonly meaning: string;
  readonly statements: readonly object[];
}

const ALL = "arn:aws:s3:::*";

/** Policies of users by the names that `cairn user policy --preset` takes. */
export const POLICY_PRESETS = {
  full: {
    meaning: "everything, in all buckets",
    statements: [{ Effect: "Allow", Action: "s3:*", Resource: ALL }],
  },
  "read-only": {
    meaning: "list and read all buckets",
    statements: [{ Effect: "Allow", Action: ["s3:Get*", "s3:List*"], Resource: ALL }],
  },
  "own-buckets": {
    meaning: "make buckets, and everything in these; what others own is theirs",
    statements: [
      { Effect: "Allow", Action: ["s3:CreateBucket", "s3:ListAllMyBuckets"], Resource: ALL },
    ],
  },
} as const satisfies Record<string, Preset>;
export type PresetName = keyof typeof POLICY_PRESETS;

export const PRESET_NAMES = Object.keys(POLICY_PRESETS) as readonly PresetName[];

/** The document of a preset. */
export function presetDocument(name: PresetName): string {
  const { statements } = POLICY_PRESETS[name];
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
