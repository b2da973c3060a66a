/** What Node calls a server that is not the one it should be, and what to do about it. */
const faults: ReadonlyMap<string, string> = new Map([
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'its certificate is for another name. Use the name in the certificate as the host of the URL',
  ],
  ['CERT_HAS_EXPIRED', 'its certificate has expired. Renew it'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet. See that the clocks are right'],
  ...[
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
  ].map(
    (code) =>
      [
        code,
        'its certificate is signed by nobody we trust. Mount the CA that signed it, and name the file as sslrootcert in the URL',
      ] as const,
  ),
]);

/** Says what is wrong where a connection was not made for want of TLS that can be trusted; undefined of any other failure. */
export function tlsFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  const fault = faults.get(code ?? '');
  if (fault !== undefined) return `The database was not connected to: ${fault}.`;
  if (error.message === 'The server does not support SSL connections')
    return 'The database was not connected to: TLS is asked for by sslmode, and the server has none. Set ssl = on there, or sslmode=disable in the URL where nobody can listen.';
  // Files are read by what parses the URL, and not by it alone.
  if (path !== undefined && error.stack?.includes('pg-connection-string'))
    return `The certificate ${path}, which the URL of the database names, cannot be read (${code}). See that it is mounted there and may be read.`;
  if (code?.startsWith('ERR_SSL_') || code?.startsWith('ERR_OSSL_'))
    return `The database was not connected to: TLS failed (${code}). Look at the certificate, the key and the CA that the URL and the server name.`;
  return undefined;
}
