import type { UploadProgress } from "./upload-parts.ts";

/** How one attempt to store a chunk goes. */
export interface StoreAttempt {
  /** What the node has said that it took. */
  readonly takenBytes: number;
  taken(bytesReceived: number): void;
  failed(): void;
  stored(lengthBytes: number): void;
}

/** Adds up how far an upload is, and tells who wants to know. */
export class ProgressCounter {
  readonly #totalBytes: number | undefined;
  readonly #tell: ((progress: UploadProgress) => void) | undefined;
  #doneBytes = 0;
  #sentBytes = 0;
  #skippedBytes = 0;
  #underwayBytes = 0;

  constructor(
    totalBytes: number | undefined,
    tell: ((progress: UploadProgress) => void) | undefined,
  ) {
    this.#totalBytes = totalBytes;
    this.#tell = tell;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** A chunk of this length is in the cluster without having been sent now. */
  skipped(lengthBytes: number): void {
    this.#skippedBytes += lengthBytes;
    this.#doneBytes += lengthBytes;
    this.#report();
  }

  /** One attempt to store a chunk. */
  attempt(): StoreAttempt {
    let takenBytes = 0;
    const settle = (doneBytes: number) => {
      this.#underwayBytes -= takenBytes;
      this.#doneBytes += doneBytes;
      this.#report();
    };
    return {
      get takenBytes() {
        return takenBytes;
      },
      taken: (bytesReceived) => {
        this.#sentBytes += bytesReceived - takenBytes;
        this.#underwayBytes += bytesReceived - takenBytes;
        takenBytes = bytesReceived;
        this.#report();
      },
      failed: () => settle(0),
      stored: (lengthBytes) => settle(lengthBytes),
    };
  }

  #report(): void {
    this.#tell?.({
      doneBytes: this.#doneBytes + this.#underwayBytes,
      totalBytes: this.#totalBytes,
      sentBytes: this.#sentBytes,
      skippedBytes: this.#skippedBytes,
    });
  }
}
