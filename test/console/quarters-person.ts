import type { Locator, Page } from 'playwright-core';
import { signIn } from './browser.ts';
import type { ConsoleHouse } from './house.ts';

/** Somebody at the page. */
export interface Person {
  readonly page: Page;
  readonly name: string;
}

/** Opens a page of their own and signs in. */
export async function somebody(
  browser: { open(): Promise<Page> },
  house: ConsoleHouse,
  name: string,
  role: 'reader' | 'finance' = 'finance',
  ledgers: readonly string[] | null = null,
): Promise<Person> {
  const page = await browser.open();
  await signIn(page, `${house.url}/console`, await house.key(name, [role], ledgers));
  return { page, name };
}

/** The quarters by a state, and of those that are open only the ones that are over: the oldest first. */
export async function quartersIn(
  house: ConsoleHouse,
  state: 'open' | 'closed' | 'detached',
): Promise<string[]> {
  const rows = await house.database.write
    .selectFrom('quartermaster.quarters')
    .select(['quarter', 'ends_at'])
    .where('state', '=', state)
    .orderBy('quarter')
    .execute();
  return rows
    .filter(({ ends_at }) => state !== 'open' || ends_at.getTime() <= Date.now())
    .map(({ quarter }) => quarter);
}

/** Has the page of a quarter before them. */
export async function visit({ page }: Person, house: ConsoleHouse, quarter: string): Promise<void> {
  await page.goto(`${house.url}/console/quarters/${quarter}`);
  await page.getByRole('heading', { name: 'What can be done now' }).waitFor();
}

/** The dialog, when it shows what would be done or what is in the way. */
export async function openDialog({ page }: Person, label: string): Promise<Locator> {
  await page
    .getByRole('region', { name: 'What can be done now' })
    .getByRole('button', { name: `${label} …`, exact: true })
    .click();
  return lookedAt(page);
}

export async function lookedAt(page: Page): Promise<Locator> {
  const dialog = page.getByRole('dialog');
  await dialog.locator('[aria-busy="false"]').waitFor();
  return dialog;
}

/** Goes on with the Tab key until it is there. Fails where it cannot be reached. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 250; presses++) {
    if (await hasFocus(target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${target} is not reached with the keyboard`);
}

export async function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => {
    const { ownerDocument } = element as unknown as { ownerDocument: { activeElement: unknown } };
    return ownerDocument.activeElement === element;
  });
}

/** Reaches it with the keyboard and presses Enter. */
export async function press(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press('Enter');
}
