import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A request as a writer sends it. */
export interface Sent {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly at: string;
}

/** What a writer has sent and what it was told; written before and after, so that it outlives the writer. */
export interface Journal {
  nextKey(): string;
  count(): number;
  unanswered(): Sent[];
  sent(request: Sent): void;
  booked(key: string, id: string): void;
  refused(key: string, code: string): void;
  note(what: string): void;
}

type Line =
  | { readonly sent: Sent }
  | { readonly booked: string; readonly id: string }
  | { readonly refused: string; readonly code: string }
  | { readonly note: string };

export function openJournal(home: string, name: string): Journal {
  const path = join(home, `${name}.journal`);
  const open = new Map<string, Sent>();
  let keys = 0;
  const lines = read(path);
  for (const line of lines) {
    if ('sent' in line) open.set(line.sent.key, line.sent);
    else if ('booked' in line) open.delete(line.booked);
    else if ('refused' in line) open.delete(line.refused);
    if ('sent' in line) keys++;
  }
  const write = (line: Line) => appendFileSync(path, `${JSON.stringify(line)}\n`);
  // The process number keeps the keys of a successor apart from one that was drawn and never written.
  const prefix = `${name}-${process.pid}`;
  let drawn = 0;
  return {
    nextKey: () => `${prefix}-${++drawn}`,
    count: () => keys,
    unanswered: () => [...open.values()],
    sent: (request) => {
      keys++;
      write({ sent: request });
    },
    booked: (key, id) => write({ booked: key, id }),
    refused: (key, code) => write({ refused: key, code }),
    note: (what) => write({ note: what }),
  };
}

/** What all writers have sent, and what they were told. */
export interface Journals {
  readonly sent: ReadonlySet<string>;
  /** Ids by key. */
  readonly booked: ReadonlyMap<string, string>;
  readonly refused: ReadonlyMap<string, string>;
  readonly notes: number;
}

/** @throws Error when a key was booked twice */
export function readJournals(home: string): Journals {
  const [sent, booked, refused] = [new Set<string>(), new Map<string, string>(), new Map<string, string>()];
  let notes = 0;
  for (const file of readdirSync(home).filter((name) => name.endsWith('.journal'))) {
    for (const line of read(join(home, file))) {
      if ('sent' in line) sent.add(line.sent.key);
      else if ('refused' in line) refused.set(line.refused, line.code);
      else if ('note' in line) notes++;
      else {
        const known = booked.get(line.booked);
        if (known !== undefined && known !== line.id)
          throw new Error(`${line.booked} was booked as ${known} and as ${line.id}.`);
        booked.set(line.booked, line.id);
      }
    }
  }
  return { sent, booked, refused, notes };
}

/** A line that a killed writer did not finish says nothing. */
function read(path: string): Line[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Line];
      } catch {
        return [];
      }
    });
}
