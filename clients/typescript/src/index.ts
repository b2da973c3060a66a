export { type Client, type ClientOptions, createClient } from './client.ts';
export { QuartermasterError } from './error.ts';
export type { components, operations, paths } from './schema.ts';
