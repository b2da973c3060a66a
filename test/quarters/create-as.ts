import { ensureQuarters } from '../../src/quarters/create.ts';
import { openHouse, run } from './support.ts';

/** As the role of the URL, in the way of the software. */
export async function createQuarters(url: string, from: string, to = from): Promise<void> {
  const house = openHouse(url);
  try {
    const [first, last] = [house.calendar.quarter(from), house.calendar.quarter(to)];
    await ensureQuarters(house, run, first.start, last.start);
  } finally {
    await house.database.close();
  }
}
