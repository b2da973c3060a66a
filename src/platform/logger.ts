import { type DestinationStream, type Logger, pino } from 'pino';
import { currentIds } from './ids.ts';
import { traceIds } from './tracing.ts';

export type { Logger };

/** Names whose values are never printed, wherever a caller hangs them. */
const secrets = [
  ...['url', 'password', 'authorization', 'token', 'headers', 'secret', 'cookie', 'csrfToken'],
  ...['apiKey', 'secretAccessKey', 'sessionToken'],
];

/**
 * What opens something wherever it stands in a text, such as the message of an error: a password in a URL, a bearer
 * token, a key of ours, a session. Groups are what is kept of it.
 */
const openers: readonly RegExp[] = [
  /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*:)[^\s/"\\]+(?=@)/gi,
  /([?&](?:ssl)?password=)[^\s&"\\]+/gi,
  /(\bbearer )[A-Za-z0-9._~+/-]{8,}=*/gi,
  /(\bqm_[a-z0-9]{12}_)[A-Za-z0-9_-]{43}/g,
  // The secret of a session, and what is made of it.
  /(\bqm[sc]_)[A-Za-z0-9_-]{43}/g,
];

/**
 * JSON lines on stderr: stdout belongs to what a command answers. Every line bears the ids of the request or the job it
 * was logged in, and those of the trace where one is recorded. Secrets are known here once, by name and by look, and never
 * printed.
 */
export function createLogger(
  level: string,
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { service: 'quartermaster' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ ...currentIds(), ...traceIds() }),
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]) },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
}

/** The line, with what opens something made unreadable. */
function withoutSecrets(line: string): string {
  return openers.reduce((text, opener) => text.replace(opener, '$1[Redacted]'), line);
}
