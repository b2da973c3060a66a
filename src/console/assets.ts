import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageRoot } from '../db/root.ts';
import type { Page } from './bundle.ts';

/** A file as the browser gets it. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

/** All files of the page, by their path below `/console/assets/VERSION/`. */
export interface Assets extends Omit<Page, 'files'> {
  /** Changes with any byte of any file, so that a browser may keep what it has for ever. */
  readonly version: string;
  readonly files: ReadonlyMap<string, Asset>;
}

/** Beside the files of a page that was put together beforehand: the rest of what is known of it. */
export const PAGE_FILE = 'page.json';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Reads the page: in a build as it was put together then, in a checkout from its sources.
 */
export async function readAssets(): Promise<Assets> {
  const isBuilt = import.meta.filename.endsWith('.js');
  const page = isBuilt ? await readPage(join(packageRoot(), 'dist', 'console')) : await bundle();
  const files = new Map([...page.files].map(([name, contents]) => [name, asset(name, contents)]));
  const version = createHash('sha256');
  for (const [name, { body }] of [...files].toSorted()) version.update(`${name}\0`).update(body);
  return { ...page, files, version: version.digest('base64url').slice(0, 16) };
}

/** What puts it together is loaded only where it is needed: an image has it not. */
async function bundle(): Promise<Page> {
  const { bundlePage } = await import('./bundle.ts');
  return bundlePage();
}

async function readPage(folder: string): Promise<Page> {
  const known = JSON.parse(await readFile(join(folder, PAGE_FILE), 'utf8')) as Omit<Page, 'files'>;
  const names = (await readdir(folder)).filter((name) => name !== PAGE_FILE);
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name))] as const),
  );
  return { ...known, files: new Map(files) };
}

function asset(name: string, contents: Uint8Array): Asset {
  const body = Buffer.from(contents);
  return { type: types[extname(name)] ?? 'application/octet-stream', body, gzipped: gzipSync(body) };
}
