/** True when only this machine reaches what listens on `host`: 127.0.0.0/8, ::1, and the name of both. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host);
}
