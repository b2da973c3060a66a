import type { Readable } from 'node:stream';

/** What a store says of a file: its size in bytes. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Where archives live. Paths are relative, with `/` between their parts, none of them empty or beginning with a dot. A
 * file appears whole or not at all, and one that is there is never changed; putting the same path again replaces it whole.
 */
export interface Store {
  /** For people: where it is. Holds no secret. */
  readonly url: string;
  /** Stores a local file and returns once it is durable. */
  put(path: string, localFile: string): Promise<StoredFile>;
  /** Reads a stored file from its start. @throws AppError not_found/not_in_store */
  open(path: string): Promise<Readable>;
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
}
