import { variables } from '../../src/platform/settings.ts';

/** Settings that the chart gives by itself, from Secrets, the store's values and its own ports and mounts. */
export const givenByTheChart = [
  ...['QM_DATABASE_URL', 'QM_DIRECT_DATABASE_URL', 'QM_REPLICA_URL', 'QM_STORE'],
  ...['QM_S3_ENDPOINT', 'QM_S3_REGION', 'QM_S3_PATH_STYLE', 'QM_S3_SSE', 'QM_S3_KMS_KEY'],
  ...['QM_S3_LOCK_MODE', 'QM_S3_LOCK_DAYS', 'QM_HOST', 'QM_PORT', 'QM_WORKER_PORT', 'QM_CACHE_DIR'],
] as const;

/** What JSON Schema can say of a setting whose own check is a function. */
const patterns: Readonly<Record<string, string>> = {
  QM_JWKS_URL: '^https?://[^\\s@]+$',
  QM_PROMETHEUS_URL: '^https?://[^\\s@?#]+$',
  QM_TRUSTED_PROXIES: '^[0-9A-Fa-f.:]+(/[1-9][0-9]{0,2})?(,[0-9A-Fa-f.:]+(/[1-9][0-9]{0,2})?)*$',
  QM_TIMEZONE: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$',
};

export interface Setting {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
}

/** How long a process waits and stops is what probes and grace periods are made of. */
const lifetimes: Readonly<Record<string, Setting>> = {
  QM_START_WAIT: { type: 'integer', minimum: 0, maximum: 3600, default: 60 },
  QM_STOP_WITHIN: { type: 'integer', minimum: 5, maximum: 3600, default: 25 },
  QM_DRAIN: { type: 'integer', minimum: 0, maximum: 600, default: 0 },
};

/** Every setting of the program. */
export const settings = { ...lifetimes, ...(variables as Readonly<Record<string, Setting>>) };

/** The closed list of what may stand in `config`. YAML reads `off` as false, so that is taken where `off` is. */
export function configSchema(description: string): object {
  const names = Object.keys(settings).filter((name) => !givenByTheChart.some((given) => given === name));
  return {
    type: 'object',
    description,
    additionalProperties: false,
    properties: Object.fromEntries(names.toSorted().map((name) => [name, schemaOf(name)])),
  };
}

function schemaOf(name: string): object {
  const { type, minimum, maximum, enum: choices, pattern = patterns[name] } = settings[name] ?? {};
  if (choices !== undefined)
    return { enum: choices.includes('off') ? [...choices, true, false, null] : [...choices, null] };
  if (type === 'integer') return { type: ['integer', 'null'], minimum, maximum };
  return { type: ['string', 'null'], minLength: 1, ...(pattern === undefined ? {} : { pattern }) };
}
