import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * JSON lines on stderr: stdout belongs to what a command answers. Secrets are named here once and never printed,
 * wherever a caller hangs them.
 */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: { service: 'quartermaster' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'url',
          '*.url',
          'password',
          '*.password',
          'authorization',
          '*.authorization',
          'token',
          '*.token',
          'headers',
          '*.headers',
        ],
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
