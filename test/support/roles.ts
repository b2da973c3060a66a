import { join } from 'node:path';
import { type RoleKey, roleNames } from '../../src/db/grants.ts';

/** What an administrator runs. */
export const rolesScript = join(import.meta.dirname, '..', '..', 'sql', 'roles.sql');

/** The same database, as one of the four roles. */
export function asRole(url: string, role: RoleKey, password: string): string {
  const result = new URL(url);
  result.username = roleNames[role];
  result.password = password;
  return result.href;
}
