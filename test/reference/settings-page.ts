import { isAppError } from '../../src/core/errors.ts';
import { readConfig } from '../../src/platform/config.ts';
import { variables } from '../../src/platform/settings.ts';
import { groups, type Told, together, told } from './settings-told.ts';

/** A setting, as its schema has it. */
interface Setting {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export const settings = Object.entries(variables) as unknown as [string, Setting][];

/** What the program says of an environment, a line a fault. */
export function faultsOf(environment: Readonly<Record<string, string>>): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.detail.split('\n');
  }
}

/** A value that the setting refuses. */
export function wrongFor(name: string, setting: Setting): string {
  const { wrong } = told[name] ?? {};
  if (wrong !== undefined) return wrong;
  if (setting.type === 'integer') return setting.minimum === 0 ? 'none' : '0';
  return setting.enum === undefined ? '' : 'perhaps';
}

/** docs/reference/configuration.md, from the settings and what the program answers when one of them is wrong. */
export function renderSettings(): string {
  const sections = groups.map((group) => {
    const own = settings.filter(([name]) => told[name]?.group === group);
    return `## ${group}\n\n${own.map(([name, setting]) => renderSetting(name, setting, told[name] as Told)).join('\n')}`;
  });
  const contents = groups.map((group) => {
    const names = settings
      .filter(([name]) => told[name]?.group === group)
      .map(([name]) => `[\`${name}\`](#${name.toLowerCase()})`);
    return `- [${group}](#${group.toLowerCase().replaceAll(' ', '-')}): ${names.join(', ')}`;
  });
  const pairs = together.map(([what, environment]) => {
    const given = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return `${what}:\n\n\`\`\`\n$ ${given.join(' ')} quartermaster api\n${faultsOf(environment).join('\n')}\n\`\`\`\n`;
  });
  return `${head}\n${contents.join('\n')}\n\n${sections.join('\n')}\n## What goes together\n\n${pairs.join('\n')}\n${tail}`;
}

const head = `# Configuration

Every setting is a variable of the environment. \`npm run docs:reference\` writes this page from the code; a test sees to it that it is
fresh and complete. The [README](../../README.md#settings) has the short form.

- Settings are read once, at the start of a process. A wrong one stops it with exit code 78, and all faults are told at once, each by its
  name. A value is repeated only where it cannot be a secret.
- An empty variable is one that is not set. A name that begins with \`QM_\` and does not exist is a fault.
- Give all processes of one ledger the same settings; which of them goes by one is said beside it.
- On Kubernetes they are values of the [chart](../../helm/quartermaster/README.md), which refuses a wrong one before anything is installed.
- \`quartermaster doctor\` looks at what they lead to.
`;

const tail = `## Traces and credentials

Traces are recorded where OpenTelemetry's own \`OTEL_TRACES_EXPORTER=otlp\` or \`OTEL_EXPORTER_OTLP_ENDPOINT\` asks for them
([logs and traces](../logs-and-traces.md)). Credentials of a bucket come the AWS SDK's way (\`AWS_…\`, a profile, the identity of a pod), never by
a setting of ours. \`PGSSLMODE\` is not looked at: how a connection is kept from others stands in its URL.
`;

function renderSetting(name: string, setting: Setting, { readers, unit, without, more }: Told): string {
  const { description = '', default: fallback } = setting;
  const said = `${description.charAt(0).toUpperCase()}${description.slice(1)}.`;
  const usual =
    fallback === undefined
      ? `without it: ${without ?? 'nothing'}`
      : `default: \`${fallback}\`${unit === undefined ? '' : ` ${unit}`}`;
  const wrong = wrongFor(name, setting);
  const lines = [`### \`${name}\``, '', more === undefined ? said : `${said} ${more}`, '', `- ${usual}`];
  if (fallback === undefined && unit !== undefined) lines.push(`- in ${unit}`);
  lines.push(`- read by ${readers.join(', ')}`);
  if (wrong !== '')
    lines.push(
      `- \`${name}=${wrong}\` is answered by`,
      '',
      '  ```',
      ...faultsOf({ [name]: wrong }).map((line) => `  ${line}`),
      '  ```',
    );
  return `${lines.join('\n')}\n`;
}
