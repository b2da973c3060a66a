import type { Readable } from 'node:stream';

/** What a store says of a file: its size in bytes. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
}

export interface TransferOptions {
  /** Ends the transfer as aborted/aborted; what had arrived of the file is seen by nobody. */
  readonly signal?: AbortSignal | undefined;
}

export interface PutOptions extends TransferOptions {
  /** The file is removed again at once, so a store that locks what it holds locks this one for a minute only. */
  readonly probe?: boolean | undefined;
}

/**
 * Where archives live. Paths are as `src/archive/store-path.ts` has them. A file appears whole or not at all, and one
 * that is there is never changed; putting the same path again replaces it whole, and of several who put it at the same
 * time one has his way. `test/archive/store-contract.ts` says the same in tests that every store has to pass.
 *
 * @throws AppError unavailable/store_failed when the store is away or did not do what it should: trying again may help
 * @throws AppError config/store_denied, config/store_not_found, config/store_refused by a store that wants other settings
 * @throws AppError invalid/invalid_path
 */
export interface Store {
  /** For people: where it is. Holds no secret. */
  readonly url: string;
  /** Stores a local file and returns once it is durable. */
  put(path: string, localFile: string, options?: PutOptions): Promise<StoredFile>;
  /**
   * Reads a stored file from its start. The stream comes to its end only with the last byte; where less arrives it
   * fails as unavailable/store_failed.
   *
   * @throws AppError not_found/not_in_store
   */
  open(path: string, options?: TransferOptions): Promise<Readable>;
  /** undefined when there is no such file. */
  stat(path: string): Promise<StoredFile | undefined>;
  /** Every file below a folder, in order of path; none when there is no such folder. */
  list(folder: string): Promise<StoredFile[]>;
  /** Removing what is not there is a success. */
  remove(path: string): Promise<void>;
  /** Removes what killed puts left in a folder. Only for who is alone in writing there. */
  sweep?(folder: string): Promise<void>;
  /** Where the file is on this machine, for a store that keeps its files here; what is elsewhere has to be fetched. */
  localPath?(path: string): string;
  /** Lets go of the connections that are kept for the next use. */
  close?(): Promise<void>;
}
