import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/archive/store.ts';
import { itKeepsFiles } from './store-contract-files.ts';
import { itStandsTrouble } from './store-contract-trouble.ts';

/** A store with nothing in it, and what is needed to look behind it. */
export interface StoreBench {
  readonly store: Store;
  /** Puts the file from a process of its own, and kills that while the file is under way. */
  killPut(path: string, file: string): Promise<void>;
  /** How much there is of files that are not whole, wherever the store keeps that. */
  countUnfinished(): Promise<number>;
  end(): Promise<void>;
}

export interface StoreKind {
  open(): Promise<StoreBench>;
  /** A file of more bytes is not put at once. */
  readonly partBytes: number;
}

/** What the tests of the contract work with; each has a store of its own. */
export interface StoreKit {
  readonly bench: StoreBench;
  readonly store: Store;
  readonly partBytes: number;
  /** Outside the store. */
  readonly directory: string;
  /** A local file with that content. */
  local(content: string | Buffer): Promise<string>;
  hashOf(path: string): Promise<string>;
}

/** What is true of every store, whatever is behind it. */
export function describeStore(name: string, { open, partBytes }: StoreKind): void {
  describe(`every store, here ${name},`, () => {
    let bench: StoreBench;
    let directory: string;
    let files = 0;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'test-local-'));
      bench = await open();
    });

    afterEach(async () => {
      await bench.end();
      await rm(directory, { recursive: true, force: true });
    });

    const kit: StoreKit = {
      get bench() {
        return bench;
      },
      get store() {
        return bench.store;
      },
      get directory() {
        return directory;
      },
      partBytes,
      local: async (content) => {
        const file = join(directory, `local-${files++}`);
        await writeFile(file, content);
        return file;
      },
      hashOf: async (path) => hash(await buffer(await bench.store.open(path))),
    };
    itKeepsFiles(kit);
    itStandsTrouble(kit);
  });
}

/** So many bytes, of which no two parts are alike. */
export function noise(bytes: number, seed = 1): Buffer {
  const words = Uint32Array.from({ length: Math.ceil(bytes / 4) }, (_, i) => i * 2654435761 + seed);
  return Buffer.from(words.buffer).subarray(0, bytes);
}

export function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
