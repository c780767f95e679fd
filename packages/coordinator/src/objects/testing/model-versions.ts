export type VersioningName = "enabled" | "suspended";

interface ModelVersion {
  readonly id: string;
  /** `undefined` for a delete marker. */
  readonly text: string | undefined;
}

/** The versions of the keys of a bucket as simple as can be: lists, the newest first. */
export class ModelVersions {
  versioning: VersioningName = "enabled";
  readonly #keys = new Map<string, ModelVersion[]>();

  /** What was put, or removed, became the newest version; of the id that the bucket gave it. */
  add(key: string, version: ModelVersion): void {
    const kept = this.#of(key).filter(({ id }) => id !== "null" || version.id !== "null");
    this.#keys.set(key, [version, ...kept]);
  }

  removeVersion(key: string, id: string): void {
    const kept = this.#of(key).filter((version) => version.id !== id);
    this.#keys.set(key, kept);
  }

  /** The ids of a key, the newest first. */
  ids(key: string): string[] {
    return this.#of(key).map(({ id }) => id);
  }

  /** What a reader gets: "nothing" or "removed" where no text is. */
  newest(key: string): string {
    const [first] = this.#of(key);
    return first === undefined ? "nothing" : (first.text ?? "removed");
  }

  /** As `VersionedBucket.list` tells it. */
  list(): string[] {
    const keys = [...this.#keys.keys()].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return keys.flatMap((key) =>
      this.#of(key).map(({ id, text = "removed" }, at) => {
        return `${key} ${text}${id === "null" ? " null" : ""}${at === 0 ? " *" : ""}`;
      }),
    );
  }

  #of(key: string): readonly ModelVersion[] {
    return this.#keys.get(key) ?? [];
  }
}
