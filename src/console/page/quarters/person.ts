import { ownText } from '../own.ts';

/** As the server sees it: how a name is written does not make another person of it. */
export function isSamePerson(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

function plain(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase();
}

/** How a person is called to the one who is signed in. Schedules have no name of their own. */
export function nameOf(actor: string, person: string): string {
  if (isSamePerson(actor, person)) return 'You';
  return actor === 'schedule' ? 'The schedule' : ownText(actor);
}
