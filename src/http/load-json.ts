import { type Static, Type } from 'typebox';
import type { LoadReport } from '../ledger/load.ts';
import type { LoadView } from '../ledger/load-progress.ts';
import { LedgerName } from './parameters.ts';
import { Instant } from './transaction-answer.ts';

export const LoadId = Type.String({
  minLength: 1,
  maxLength: 100,
  title: 'the name of the load, by which it goes on',
  description: 'a text of 1 to 100 characters',
  examples: ['payments-2026-03'],
});

export const LoadQuery = Type.Object(
  {
    id: LoadId,
    format: Type.Optional(
      Type.Enum(['csv', 'ndjson'], {
        title: 'needed where Content-Type does not tell',
        description: 'csv or ndjson',
      }),
    ),
    amounts: Type.Optional(
      Type.Enum(['decimal', 'minor'], {
        title: 'amounts are decimals as 12.34 unless they are said to be whole minor units',
        description: 'decimal or minor',
      }),
    ),
    create_accounts: Type.Optional(
      Type.Enum(['true', 'false'], {
        title: 'create the accounts that are missing; else a row that names one is a bad row',
        description: 'true or false',
      }),
    ),
    allow_negative: Type.Optional(
      Type.String({
        title: 'of which groups created accounts may go below zero',
        description: 'group types, as BANK,FEES, or * for all',
      }),
    ),
  },
  { additionalProperties: false },
);
export type LoadQuery = Static<typeof LoadQuery>;

const Count = (description: string) => Type.Integer({ minimum: 0, description });

const counts = {
  records: Count('records of the body that are dealt with'),
  booked: Count('of these, those that are booked'),
  rejected: Count('of these, those that were written aside; only the command line does that'),
};

export const LoadReportAnswer = Type.Object({
  ledger: LedgerName,
  id: LoadId,
  already_loaded: Type.Boolean({ description: 'it was done before, and nothing was done now' }),
  resumed_at: Count('how many records earlier requests had dealt with'),
  ...counts,
  accounts_created: Count('accounts this request created'),
});

export const LoadAnswer = Type.Object({
  ledger: LedgerName,
  id: LoadId,
  state: Type.Enum(['running', 'stopped', 'done'], {
    description:
      'running: it goes on, or broke off without a word; stopped: at a bad row; done: to the end of its input',
  }),
  ...counts,
  started_at: Instant('when it began'),
  updated_at: Instant('when its last batch was booked'),
  finished_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
});

export function toReportAnswer(report: LoadReport): Static<typeof LoadReportAnswer> {
  const { ledger, id, records, booked, rejected } = report;
  return {
    ledger,
    id,
    already_loaded: report.alreadyLoaded,
    resumed_at: report.resumedAt,
    records,
    booked,
    rejected,
    accounts_created: report.accountsCreated,
  };
}

export function toLoadAnswer(ledger: string, load: LoadView): Static<typeof LoadAnswer> {
  return {
    ledger,
    id: load.id,
    state: load.state,
    records: Number(load.records),
    booked: Number(load.booked),
    rejected: Number(load.rejected),
    started_at: load.startedAt.toISOString(),
    updated_at: load.updatedAt.toISOString(),
    finished_at: load.finishedAt?.toISOString() ?? null,
  };
}
