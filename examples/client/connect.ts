// In a project of your own: import … from '@quartermaster/client'.
import { type Client, createClient, QuartermasterError } from '../../clients/typescript/src/index.ts';

/** The API at QUARTERMASTER_URL, with the key in QUARTERMASTER_KEY. */
export function connect(): Client {
  const { QUARTERMASTER_URL: baseUrl = 'http://127.0.0.1:7070', QUARTERMASTER_KEY: key } = process.env;
  if (key === undefined) {
    throw new Error('Set QUARTERMASTER_KEY to a key: quartermaster keys create --name me --role finance');
  }
  return createClient({ baseUrl, key });
}

/** How many decimals a currency has. */
export async function exponentOf(api: Client, currency: string): Promise<number> {
  const { data } = await api.GET('/v1/about');
  const found = data?.currencies.find(({ code }) => code === currency);
  if (found === undefined) throw new Error(`The ledger does not know the currency ${currency}.`);
  return found.exponent;
}

/** Runs a program. What goes wrong is told in a sentence, with what is wrong part by part. */
export async function run(program: (api: Client) => Promise<void>): Promise<void> {
  try {
    await program(connect());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error.message);
    if (error instanceof QuartermasterError) {
      for (const { pointer, parameter, header, detail } of error.faults) {
        console.error(`  ${pointer ?? parameter ?? header}: ${detail}`);
      }
      if (error.requestId !== undefined) console.error(`  request ${error.requestId}`);
    }
    process.exitCode = 1;
  }
}
