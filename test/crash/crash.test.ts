import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { inPlace } from './house.ts';
import { openPlaces, type Places } from './places.ts';
import { missed, runHere } from './processes.ts';
import { readPage, writePage } from './reliability.ts';
import { type Contents, readDigests } from './sound.ts';
import { cellOf, openFindings, outlineOf, renderTable } from './table.ts';
import {
  judge,
  type Recording,
  record,
  type Trial,
  tryCut,
  tryKill,
  tryTermination,
  tryTwin,
  type Verdict,
} from './trial.ts';
import { type CrashCase, cases } from './verbs.ts';

const MINUTES = 60_000;
/** Trials under way at a time: while one waits for PostgreSQL another starts its process. */
const PARALLEL = 3;

let server: TestServer;
let places: Places;
let contents: Contents;
const recordings = new Map<CrashCase, Promise<Recording>>();
const findings = openFindings();
let failed = false;

beforeAll(async () => {
  server = await startServer({ max_connections: '400' });
  places = await openPlaces(server);
  const open = await places.clone('open');
  contents = { digests: await inPlace(open, readDigests), archives: new Map() };
  await open.remove();
}, 5 * MINUTES);

afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});

afterAll(async () => {
  await places?.remove();
  await server?.stop();
});

/** What the verb does undisturbed; found out once, by whoever asks first. */
function recordingOf(verb: CrashCase): Promise<Recording> {
  const made =
    recordings.get(verb) ??
    record(places, contents, verb).then(({ faults, ...recording }) => {
      expect(faults).toEqual([]);
      return recording;
    });
  recordings.set(verb, made);
  return made;
}

async function trialOf(verb: CrashCase): Promise<Trial> {
  return { verb, recording: await recordingOf(verb), contents, places };
}

/** Runs all trials, some at a time. */
async function all<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** The verdicts that are no good, each with the place where it was made. */
function openComplaints() {
  const found: string[] = [];
  return {
    found,
    note: (where: string, faults: readonly string[]) => {
      if (faults.length > 0) found.push(`${where}: ${faults.join('\n  ')}`);
    },
  };
}

describe.each(cases)('$name', (verb) => {
  it(
    'comes out right when its process is killed before or after any step',
    async () => {
      const trial = await trialOf(verb);
      const { steps } = trial.recording;
      const complaints = openComplaints();
      await all([...steps.entries()], async ([i, { name, ms }]) => {
        const after = await tryKill(trial, name);
        findings.add(verb.name, name, 'after', cellOf(after));
        complaints.note(`killed at ${name}`, after.faults);
        const last = steps[i - 1];
        if (last === undefined) return;
        const moment = Math.random() * ms;
        const before = await tryKill(trial, last.name, moment);
        findings.add(verb.name, name, 'before', cellOf(before, true));
        complaints.note(
          `killed ${moment.toFixed(1)} of ${ms.toFixed(1)} ms after ${last.name}`,
          before.faults,
        );
      });
      expect(complaints.found).toEqual([]);
    },
    15 * MINUTES,
  );

  it(
    'comes out right when its sessions end at any step',
    async () => {
      const trial = await trialOf(verb);
      const complaints = openComplaints();
      await all(trial.recording.steps, async ({ name }) => {
        const verdict = await tryTermination(trial, name);
        findings.add(verb.name, name, 'sessions', cellOf(verdict));
        complaints.note(`sessions ended at ${name}`, verdict.faults);
      });
      expect(complaints.found).toEqual([]);
    },
    15 * MINUTES,
  );

  it.each([
    ['commitLost', 'before'],
    ['answerLost', 'after'],
  ] as const)(
    'comes out right whichever connection is cut at a COMMIT: %s',
    async (column, when) => {
      const trial = await trialOf(verb);
      const complaints = openComplaints();
      for (let number = 0; ; number++) {
        const verdict = await tryCut(trial, when, number);
        if (verdict === undefined) break;
        findings.add(verb.name, verdict.step, column, cellOf(verdict));
        complaints.note(`cut ${when} COMMIT ${number}, after ${verdict.step}`, verdict.faults);
      }
      expect(complaints.found).toEqual([]);
    },
    15 * MINUTES,
  );

  it(
    'is done once by two processes that meet at any step',
    async () => {
      const trial = await trialOf(verb);
      const complaints = openComplaints();
      await all(trial.recording.steps, async ({ name }) => {
        const { told, faults } = await tryTwin(trial, name);
        findings.add(verb.name, name, 'twin', told);
        complaints.note(`a second process at ${name}`, faults);
      });
      expect(complaints.found).toEqual([]);
    },
    15 * MINUTES,
  );
});

it(
  'every verb comes out right when PostgreSQL is killed at any step',
  async () => {
    const trials = await Promise.all(cases.map(trialOf));
    const complaints = openComplaints();
    const rounds = Math.max(...trials.map(({ recording }) => recording.steps.length));
    // One death serves all verbs, each of which stands at its own step of that number.
    for (let round = 0; round < rounds; round++) {
      const due = trials.flatMap((trial) => {
        const step = trial.recording.steps[round]?.name;
        return step === undefined ? [] : [{ trial, step }];
      });
      for (const { trial, step, verdict } of await killPostgres(due)) {
        findings.add(trial.verb.name, step, 'postgres', cellOf(verdict));
        complaints.note(`${trial.verb.name} at ${step}`, verdict.faults);
      }
    }
    expect(complaints.found).toEqual([]);
  },
  15 * MINUTES,
);

async function killPostgres(
  due: readonly { trial: Trial; step: string }[],
): Promise<{ trial: Trial; step: string; verdict: Verdict }[]> {
  const dead = Promise.withResolvers<void>();
  const standing: Promise<unknown>[] = [];
  const running = await Promise.all(
    due.map(async ({ trial, step }) => {
      const place = await places.clone(trial.verb.start);
      const arrived = Promise.withResolvers<void>();
      let came = false;
      const ending = runHere(place, trial.verb, 'crash-victim', async (name) => {
        if (name !== step) return;
        came = true;
        arrived.resolve();
        await dead.promise;
      }).then((ended) => (came ? ended : missed(step)));
      standing.push(Promise.race([arrived.promise, ending]));
      return { trial, step, place, ending };
    }),
  );
  await Promise.all(standing);
  // In a new database a sequence goes back at a crash before the first checkpoint (PostgreSQL copies its page and not what
  // was logged ahead of it), and the next event would get a number that is taken.
  await places.admin((admin) => admin.query('CHECKPOINT'));
  await server.kill('SIGKILL');
  dead.resolve();
  await Promise.all(running.map(({ ending }) => ending));
  await server.restart();
  const judged: { trial: Trial; step: string; verdict: Verdict }[] = [];
  await all(running, async ({ trial, step, place, ending }) => {
    judged.push({ trial, step, verdict: await judge(trial, place, await ending) });
    await place.remove();
  });
  return judged;
}

it('the table of docs/reliability.md has these steps and faults', async () => {
  const steps = new Map<string, readonly string[]>();
  for (const verb of cases) {
    const recording = await recordingOf(verb);
    steps.set(
      verb.name,
      recording.steps.map(({ name }) => name),
    );
  }
  const rows = findings.rows(steps);
  if (process.env.QM_TEST_WRITE_DOCS === '1' && !failed) await writePage(rows);
  const [, table = ''] = (await readPage()).split(/(?=\| verb \| step)/);
  expect(outlineOf(table), 'run `npm run docs:reliability`').toEqual(outlineOf(renderTable(rows)));
});
