import { join } from 'node:path';
import { inject } from 'vitest';
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

/** The same URL, or with QM_TEST_ROLES=1 as one of the roles: what a test asks of the software it asks as who would be asked. */
export function inRole(url: string, role: RoleKey): string {
  return underRoles() ? asRole(url, role, inject('postgres').rolePassword) : url;
}

export function underRoles(): boolean {
  return process.env.QM_TEST_ROLES === '1';
}
