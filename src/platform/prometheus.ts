import { AppError } from '../core/errors.ts';

/** An alert as Prometheus sees it: one that is pending or firing, or a rule of which none is. */
export interface PrometheusAlert {
  readonly name: string;
  readonly state: 'inactive' | 'pending' | 'firing';
  readonly severity: string | null;
  readonly since: Date | null;
  /** With its numbers; of an inactive one there are none. */
  readonly summary: string | null;
  readonly runbook: string | null;
}

export interface AskOptions {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** All our alerts are named so; those of others are not the ledger's to show. */
const OURS = /^Quartermaster[A-Za-z]+$/;

const states = ['firing', 'pending', 'inactive'] as const;

/**
 * How the alerts of this software stand in a Prometheus, the firing ones first. What it answers is not believed: it is bounded in time
 * and size, and read member by member. Nothing of the words of the network is repeated, in which are hosts.
 *
 * @throws AppError unavailable/prometheus_failed
 */
export async function readAlerts(
  url: string,
  { timeoutMs = 3000, maxBytes = 2 * 1024 * 1024 }: AskOptions = {},
): Promise<PrometheusAlert[]> {
  const target = new URL(`${url.replace(/\/+$/, '')}/api/v1/rules?type=alert`);
  const signal = AbortSignal.timeout(timeoutMs);
  let text: string;
  try {
    // Where it is said to be elsewhere nobody is asked: the address is a setting.
    const response = await fetch(target, {
      signal,
      redirect: 'manual',
      headers: { accept: 'application/json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw failed(`It answered with the status ${response.status || 'of a redirect'}.`);
    }
    text = await readBounded(response, maxBytes);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const seconds = timeoutMs / 1000;
    throw signal.aborted
      ? failed(`It did not answer within ${seconds} seconds.`, error)
      : failed('It cannot be reached.', error);
  }
  return alertsIn(text).sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the stream, and with it the connection.
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw failed(`Its answer is larger than ${maxBytes} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function alertsIn(text: string): PrometheusAlert[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw failed('Its answer is no JSON, so it may be no Prometheus.', error);
  }
  const groups = member(member(answer, 'data'), 'groups');
  if (member(answer, 'status') !== 'success' || !Array.isArray(groups)) {
    throw failed('Its answer is not that of a Prometheus.');
  }
  return groups.flatMap((group) => listIn(group, 'rules').flatMap(alertsOf));
}

function alertsOf(rule: unknown): PrometheusAlert[] {
  const name = textIn(rule, 'name');
  if (name === null || !OURS.test(name)) return [];
  const severityOf = (one: unknown) => textIn(member(one, 'labels'), 'severity');
  const runbookOf = (one: unknown) => linkIn(member(one, 'annotations'), 'runbook_url');
  const active = listIn(rule, 'alerts').map((alert) => {
    const since = new Date(textIn(alert, 'activeAt') ?? '');
    return {
      name,
      state: textIn(alert, 'state') === 'firing' ? ('firing' as const) : ('pending' as const),
      severity: severityOf(alert) ?? severityOf(rule),
      since: Number.isNaN(since.getTime()) ? null : since,
      summary: textIn(member(alert, 'annotations'), 'summary'),
      runbook: runbookOf(alert) ?? runbookOf(rule),
    };
  });
  if (active.length > 0) return active;
  const rest = { since: null, summary: null };
  return [{ name, state: 'inactive', severity: severityOf(rule), ...rest, runbook: runbookOf(rule) }];
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function listIn(value: unknown, name: string): unknown[] {
  const list = member(value, name);
  return Array.isArray(list) ? list : [];
}

/** A text of which a page shows at most so much. */
function textIn(value: unknown, name: string): string | null {
  const text = member(value, name);
  return typeof text === 'string' ? text.slice(0, 1000) : null;
}

/** Something that a page may make a link of, or a path in our own documents. */
function linkIn(value: unknown, name: string): string | null {
  const text = textIn(value, name);
  return text !== null && /^(https?:\/\/|docs\/runbooks\/[a-z-]+\.md$)/.test(text) ? text : null;
}

function failed(why: string, cause?: unknown): AppError {
  const detail = `Prometheus does not tell how the alerts stand. ${why} See QM_PROMETHEUS_URL.`;
  return new AppError('unavailable', 'prometheus_failed', detail, { cause });
}
