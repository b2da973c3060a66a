/**
 * A process that runs one verb. It says each step it comes to, `begin` before the first and `end` after the last,
 * and goes on when it is told to; whoever started it may kill it instead.
 */
import { once } from 'node:events';
import { describeFailure, openPlace, type Place, run } from './house.ts';
import { cases } from './verbs.ts';

const task = JSON.parse(process.argv[2] ?? '{}') as Place & { readonly verb: string };
const found = cases.find(({ name }) => name === task.verb);
if (found === undefined) throw new Error(`There is no case ${task.verb}.`);
const house = openPlace(task, 'crash-child');

async function step(name: string): Promise<void> {
  process.send?.({ step: name });
  await once(process, 'message');
}

await step('begin');
const failure = await found.run(house, { ...run, step }).then(() => undefined, describeFailure);
if (failure !== undefined) process.send?.({ failure });
await step('end');
await house.database.close();
process.disconnect();
