import { sqlState, toAppError } from '../../db/sqlstate.ts';
import { type Fault, failed } from './check.ts';

/**
 * Why a connection was not made, and what helps. What the server says names roles and databases, and never a password; the URL is
 * told by its host, port, database and user only.
 *
 * @param variable the setting that holds the URL
 */
export function describeRefusal(error: unknown, variable: string, url: string): Fault {
  const { hostname, port, pathname, username } = new URL(url);
  const [host, role] = [hostname || 'this machine', decodeURIComponent(username) || 'nobody'];
  const where = `${host}, port ${port || 5432}`;
  const database = decodeURIComponent(pathname.slice(1)) || role;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const state = sqlState(error);
  const so = (found: string, advice: string) => failed(`${found} (${variable}).`, advice);

  if (state === '28P01' || /SASL|password authentication|auth(entication)? failed/i.test(message)) {
    return so(
      `${where} refused the password of ${role}`,
      `Put the right password into ${variable}, with what is special in it percent-encoded; or set it anew on the server: \`\\password ${role}\` in psql.`,
    );
  }
  if (/no pg_hba.conf entry/.test(message)) {
    const plain = /no encryption|SSL off/.test(message);
    return so(
      `${where} lets ${role} into ${database} ${plain ? 'not without TLS, or not at all' : 'from here not at all'}: ${message}`,
      plain
        ? `Add sslmode=verify-full to ${variable}; where that does not help, add a line for it to pg_hba.conf.`
        : 'Add a line for this role, database and address to pg_hba.conf, and reload.',
    );
  }
  if (state === '28000' || /role ".*" (does not exist|is not permitted)|no such user/.test(message)) {
    return so(
      `${where} does not let ${role} log in: ${message}`,
      `Name a role that is there in ${variable}; \`psql -f sql/roles.sql\` as an administrator makes the four of docs/roles.md.`,
    );
  }
  if (state === '3D000' || /no such database/.test(message)) {
    return so(
      `${where} has no database ${database}`,
      `Name the right one in ${variable}, or make it: \`createdb ${database}\`, then \`quartermaster migrate up\`.`,
    );
  }
  if (state === '42501') {
    return so(
      `${role} may not connect to ${database} on ${where}`,
      `Run as its owner: GRANT CONNECT ON DATABASE "${database}" TO "${role}".`,
    );
  }
  if (state === '53300' || /too many (clients|connections)|no more connections/.test(message)) {
    return so(
      `${where} has no connection left: ${message}`,
      'Lower QM_POOL_MAX or run fewer processes, put PgBouncer in front, or raise max_connections.',
    );
  }
  if (state === '57P03') {
    return so(`${where} is not ready yet: ${message}`, 'Wait; it starts, or recovers after a crash.');
  }
  const known = toAppError(error);
  if (known.code === 'tls_failed') return so(known.detail.replace(/\.$/, ''), tlsAdvice(variable));
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return so(
      `The name ${host} is not known here`,
      `Correct the host in ${variable}, or the DNS it is looked up in.`,
    );
  }
  if (code === 'ECONNREFUSED') {
    return so(
      `Nobody listens at ${where}`,
      `Start the server, correct host and port in ${variable}, or have it listen there (listen_addresses).`,
    );
  }
  if (/timeout|timed out|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|no answer within/i.test(`${code} ${message}`)) {
    return so(
      `${where} does not answer`,
      'See that it runs, and that no firewall or network policy is in between.',
    );
  }
  return so(`${where} could not be asked: ${message}`, 'Look into the log of the server.');
}

function tlsAdvice(variable: string): string {
  return `See to the certificate, to sslmode and to sslrootcert in ${variable}; docs/roles.md says which mode does what.`;
}
