import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Dispatcher } from 'undici';
import { failureOf } from '../load-requests.ts';
import { createMix, type Kind } from './mix.ts';
import { requestOf } from './requests.ts';
import { PATIENCE_MS, PAUSE_MS, type TrafficOutcome, type TrafficPlan } from './traffic-plan.ts';

/** The process that sends the mixed traffic, so that no side shares a thread with it. One plan in, one outcome out. */
process.on('message', (plan: TrafficPlan) => {
  run(plan).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
// The terminal's Ctrl-C reaches the whole group; the bench ends this process when it has asked the others.
process.on('SIGINT', () => {});

/** Sends for so many seconds and waits for the last answer, whatever that takes: slow requests are not left out. */
async function run(plan: TrafficPlan): Promise<TrafficOutcome> {
  const next = createMix(plan);
  const clients = Array.from(
    { length: plan.clients },
    () => new Client(plan.origin, { pipelining: 1, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS }),
  );
  const times: Record<Kind, number[]> = { post: [], list: [], balance: [], report: [] };
  const failures: Record<string, number> = {};
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + plan.seconds * 1000;

  /** True when it was answered as it should be. */
  async function send(client: Client): Promise<boolean> {
    const want = next();
    const from = performance.now();
    const failure = await ask(client, requestOf(want, plan), want.kind === 'post' ? 201 : 200);
    if (failure === undefined) {
      times[want.kind].push(performance.now() - from);
      return true;
    }
    const what = `${want.kind} ${failure}`;
    failures[what] = (failures[what] ?? 0) + 1;
    return false;
  }

  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end) if (!(await send(client))) await delay(PAUSE_MS);
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(clients.map((client) => client.destroy()));
  return { times, failures, seconds, ownCpuSeconds: (user + system) / 1e6 };
}

/** Sends one request and takes its answer to the end; says how it failed. */
function ask(
  client: Client,
  request: Dispatcher.DispatchOptions,
  wanted: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    client.dispatch(request, {
      onRequestStart() {},
      onResponseStart(_, statusCode) {
        status = statusCode;
      },
      onResponseData(_, chunk) {
        if (status !== wanted) chunks.push(chunk);
      },
      onResponseEnd() {
        resolve(status === wanted ? undefined : failureOf(status, Buffer.concat(chunks).toString()));
      },
      onResponseError(_, error) {
        resolve(error.message);
      },
    });
  });
}
