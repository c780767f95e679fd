/** How bad a finding is: bytes are gone or cannot be read now, something says what is not so, or room is taken for nothing. */
export type FindingSeverity = "lost" | "wrong" | "waste" | "note";

interface FindingKindRow {
  readonly severity: FindingSeverity;
  readonly meaning: string;
  /** What `--repair` does; or what there is to do where it can do nothing. */
  readonly mending: string;
  readonly isMended: boolean;
}

/**
 * Everything that a check may find. A kind is an API: rows are added, never renamed. docs/operating/fsck.md shows this table,
 * and a test compares them.
 */
export const FINDING_KINDS = {
  fileUnreadable: {
    severity: "lost",
    meaning:
      "a file, or a version of one, cannot be read whole: its content, a part of its chunk map, a chunk record or every live copy of a chunk is missing",
    mending:
      "bring back nodes that are away; else restore the file from where it came from, or remove it with `cairn rm --forever`",
    isMended: false,
  },
  contentMissing: {
    severity: "lost",
    meaning: "an entry, in the tree or in the trash, or a part shows a content that is not there",
    mending:
      "makes the content again where its chunk map is whole; else restore the file from where it came from, or remove it with `cairn rm --forever`",
    isMended: true,
  },
  contentMapBroken: {
    severity: "lost",
    meaning:
      "the chunk map or the parts of a content have a gap, or are not as long as the content",
    mending: "restore the file from where it came from, or remove it with `cairn rm --forever`",
    isMended: false,
  },
  chunkMissing: {
    severity: "lost",
    meaning: "a chunk map names a chunk that has no record",
    mending:
      "makes a record without copies: nodes that hold one have it taken back in, when what they hold is compared",
    isMended: true,
  },
  chunkLost: {
    severity: "lost",
    meaning: "no live node is known to hold a chunk that files refer to",
    mending:
      "bring back the nodes that held it; `cairn fsck --repair` takes in copies that nodes hold and no record names",
    isMended: false,
  },
  entriesOrphaned: {
    severity: "wrong",
    meaning: "entries are below a directory that does not exist",
    mending: "makes the directory again, as /lost+found/<inode>, with all that is in it",
    isMended: true,
  },
  directoryTwice: {
    severity: "wrong",
    meaning: "two names lead to one directory",
    mending: "takes away one of the names; what is in the directory stays",
    isMended: true,
  },
  directoryUnused: {
    severity: "waste",
    meaning: "a directory that was made because an object's key has it has nothing in it",
    mending: "takes it away",
    isMended: true,
  },
  entryMisnamed: {
    severity: "wrong",
    meaning: "a directory has the key of a file, or a file that of a directory",
    mending: "moves the entry to its key, unless that is taken",
    isMended: true,
  },
  entryDiffers: {
    severity: "wrong",
    meaning: "an entry says another size or number of chunks than its content",
    mending: "takes them from the content",
    isMended: true,
  },
  ownersWrong: {
    severity: "wrong",
    meaning:
      "a content counts other owners than the entries, items of the trash, parts, composites and uploads that it has",
    mending: "counts anew; a content without owners is let go after its grace period",
    isMended: true,
  },
  contentUnlisted: {
    severity: "waste",
    meaning: "a content without owners has no tombstone, or one with owners has one",
    mending: "writes the tombstone, or takes it away",
    isMended: true,
  },
  tombstoneStale: {
    severity: "wrong",
    meaning: "a tombstone stands for a content that is not there, or not to go then",
    mending: "takes the tombstone away",
    isMended: true,
  },
  mapOrphaned: {
    severity: "waste",
    meaning: "a row of a chunk map belongs to a content that is not there",
    mending: "takes the row away, unless contents are missing whose it may be",
    isMended: true,
  },
  partOrphaned: {
    severity: "waste",
    meaning: "a part belongs to a content or an upload that is not there",
    mending: "lets the part go, unless contents are missing whose it may be",
    isMended: true,
  },
  referencesWrong: {
    severity: "wrong",
    meaning:
      "a chunk counts other references, in all or from a domain, than chunk maps have, or its state does not go with them",
    mending:
      "counts anew; a chunk with references becomes live, one without becomes garbage unless files are damaged that it may be of",
    isMended: true,
  },
  domainRowStale: {
    severity: "waste",
    meaning: "references of a domain are counted for a chunk that has no record, or at its home",
    mending: "takes the row away",
    isMended: true,
  },
  chunkUnlisted: {
    severity: "wrong",
    meaning:
      "a chunk that is due, in debt or to be deleted is not listed where the workers look for it",
    mending: "lists it",
    isMended: true,
  },
  chunkRowStale: {
    severity: "wrong",
    meaning: "a chunk is listed as due or in debt, and its record does not say so",
    mending: "takes the row away",
    isMended: true,
  },
  nodeUnknown: {
    severity: "wrong",
    meaning: "a chunk record or a deletion names a node that was never a member",
    mending: "takes the node out",
    isMended: true,
  },
  uploadUnlisted: {
    severity: "wrong",
    meaning:
      "an upload is not listed where it expires, is let go or is looked for by its key, or a row there has no upload",
    mending: "lists it, or takes the row away",
    isMended: true,
  },
  bucketOrphaned: {
    severity: "waste",
    meaning:
      "what is kept of a bucket has no directory, in the tree, in the trash or being taken apart",
    mending: "takes the rows away",
    isMended: true,
  },
  userUnlisted: {
    severity: "wrong",
    meaning:
      "a user or an access key is not listed where it is looked for, or a row there, or a key, has no user",
    mending: "lists it, or takes the row away",
    isMended: true,
  },
  versionsForgotten: {
    severity: "wrong",
    meaning:
      "a bucket has versions of objects, and its record, which says that it has any, is not there",
    mending: "makes a record with versioning suspended; what else it said is to be set again",
    isMended: true,
  },
  versionUnlisted: {
    severity: "wrong",
    meaning:
      "a version with the id null is not listed as that, or what is listed as that is no such version",
    mending: "lists it, or takes the row away",
    isMended: true,
  },
  trashUnlisted: {
    severity: "wrong",
    meaning: "an item of the trash is not in its indexes, or a row of them has no item",
    mending: "lists it, or takes the row away",
    isMended: true,
  },
  counterWrong: {
    severity: "wrong",
    meaning: "a counter is not what it counts",
    mending: "sets it right",
    isMended: true,
  },
  copyMissing: {
    severity: "wrong",
    meaning: "a record names a copy that its node, having looked for it, does not have",
    mending: "takes the node out of the record; repair makes a new copy",
    isMended: true,
  },
  copyCorrupt: {
    severity: "wrong",
    meaning: "a node found its copy of a chunk to be other than what was written",
    mending: "takes the node out of the record; repair makes a new copy",
    isMended: true,
  },
  copyUnclaimed: {
    severity: "wrong",
    meaning: "a node holds a copy that no record names, of a chunk that has too few",
    mending: "has the node read and prove it, and takes it into the record",
    isMended: true,
  },
  copyUnknown: {
    severity: "waste",
    meaning: "a node holds a copy that no record names and none ever will",
    mending: "has the node delete it",
    isMended: true,
  },
  nodeUnchecked: {
    severity: "note",
    meaning: "a node could not be asked what it holds",
    mending: "run the check again when the node is back",
    isMended: false,
  },
} as const satisfies Record<string, FindingKindRow>;

export type FindingKind = keyof typeof FINDING_KINDS;
