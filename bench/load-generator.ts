import { Client, type Dispatcher } from 'undici';
import { arrivals, createPairs, createRandom } from './distributions.ts';
import { percentile } from './figures.ts';
import type { LoadOutcome, LoadPlan } from './load-plan.ts';
import { createdIn, createRequests, failureOf } from './load-requests.ts';

/** The process that sends the load, so that neither side shares a thread with it. One plan in, one outcome out. */
process.on('message', (plan: LoadPlan) => {
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

/** A warm-up and then the measurement, each until its last answer: what one leaves behind is not the other's. */
async function run(plan: LoadPlan): Promise<LoadOutcome> {
  const random = createRandom(plan.seed);
  const next = createRequests(plan, createPairs(plan.distribution, plan.accounts, random));
  const clients = Array.from(
    { length: plan.connections },
    () => new Client(plan.origin, { pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 }),
  );
  const failures: Record<string, number> = {};

  async function phase(seconds: number) {
    // By a schedule a request is late from the moment it was to be sent, however long it waits for a connection:
    // a generator that waits for answers would leave out just the requests that a slow server keeps waiting.
    const schedule = plan.rate === undefined ? undefined : arrivals(plan.rate, seconds, random);
    const latencies: number[] = [];
    let created = 0;
    let position = 0;
    const cpu = process.cpuUsage();
    const start = performance.now();

    async function send(client: Client, from: number): Promise<void> {
      const answer = await post(client, next(), plan.batch);
      latencies.push(performance.now() - from);
      created += answer.created;
      if (answer.failure !== undefined) failures[answer.failure] = (failures[answer.failure] ?? 0) + 1;
    }

    async function closedLoop(client: Client): Promise<void> {
      const end = start + seconds * 1000;
      while (performance.now() < end) await send(client, performance.now());
    }

    async function bySchedule(client: Client, times: Float64Array): Promise<void> {
      for (let due = times[position++]; due !== undefined; due = times[position++]) {
        const wait = start + due - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        await send(client, start + due);
      }
    }

    const run = schedule === undefined ? closedLoop : (client: Client) => bySchedule(client, schedule);
    await Promise.all(clients.map(run));
    const { user, system } = process.cpuUsage(cpu);
    return { created, latencies, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
  }

  const warmUp = await phase(plan.warmUpSeconds);
  const measured = await phase(plan.seconds);
  await Promise.all(clients.map((client) => client.close()));
  return {
    acknowledged: warmUp.created + measured.created,
    created: measured.created,
    seconds: measured.seconds,
    p50: percentile(measured.latencies, 0.5),
    p99: percentile(measured.latencies, 0.99),
    longest: percentile(measured.latencies, 1),
    ownCpuSeconds: measured.cpu,
    failures,
  };
}

/** Sends one request and reads its answer: what is read beyond the status is only what the check needs. */
function post(
  client: Client,
  request: Dispatcher.DispatchOptions,
  batch: number,
): Promise<{ created: number; failure: string | undefined }> {
  return new Promise((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    client.dispatch(request, {
      onRequestStart() {},
      onResponseStart(_, statusCode) {
        status = statusCode;
      },
      onResponseData(_, chunk) {
        if (batch > 1 || status !== 201) chunks.push(chunk);
      },
      onResponseEnd() {
        const body = Buffer.concat(chunks).toString();
        const created = createdIn(status, body, batch);
        resolve({ created, failure: created === batch ? undefined : failureOf(status, body) });
      },
      onResponseError(_, error) {
        resolve({ created: 0, failure: error.message });
      },
    });
  });
}
