import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** From which on PostgreSQL writes a statement into its log, in milliseconds. */
export const SLOW_MS = 500;

/** The settings under which the log says who sent what was slow. */
export const slowLogSettings = {
  log_min_duration_statement: String(SLOW_MS),
  log_line_prefix: '%m [%p] %a ',
};

export interface SlowStatement {
  /** The name of the session's application. */
  readonly application: string;
  readonly ms: number;
  /** Its beginning. */
  readonly statement: string;
}

/** How long the log is by now. */
export function logLength(file: string): number {
  return statSync(file).size;
}

/** What the log has said since it was so long. */
export function slowSince(file: string, length: number): SlowStatement[] {
  const buffer = Buffer.alloc(logLength(file) - length);
  const log = openSync(file, 'r');
  try {
    readSync(log, buffer, 0, buffer.length, length);
  } finally {
    closeSync(log);
  }
  return slowStatements(buffer.toString());
}

/** Each line that tells how long a statement took. The lines of a statement itself follow it, and tell no time. */
export function slowStatements(log: string): SlowStatement[] {
  const line = /^\S+ \S+ \S+ \[\d+\] (.*?) ?LOG: {2}duration: ([\d.]+) ms(?: {2}(.*))?$/gm;
  return Array.from(log.matchAll(line), ([, application = '', ms, statement = '']) => ({
    application,
    ms: Number(ms),
    statement: statement.slice(0, 100),
  }));
}
