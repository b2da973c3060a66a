/** What a job does when it runs, for whoever is about to have it run now. */
const does: Readonly<Record<string, string>> = {
  'analyze-partitions': "makes the planner's statistics of tables where they are stale",
  'audit-indexes': 'looks at all indexes and notes what is wrong with them; it changes nothing',
  'check-fixity': 'reads a share of the archives again and compares them with their manifests',
  'check-ledger': 'checks that every balance is what its entries say; it changes nothing',
  'expire-reservations': 'frees what reservations hold beyond their time',
  'expire-restores': 'takes restored quarters out again whose time is over; their archives stay',
  'freeze-quarters': 'freezes the rows of quarters that take none any more, so that no vacuum has to later',
  'purge-idempotency-keys': 'forgets idempotency keys that are older than they have to be kept',
  'purge-sessions': 'forgets sessions that are over',
  quarter: 'does a step of a quarter that somebody or a schedule asked for',
  'quarter-tick':
    'asks for every step of a quarter that is due: close, archive, detach, drop, as the settings allow',
  'reconcile-partitions': 'creates the quarters ahead and mends what a killed step left behind',
  'reconcile-summaries': 'holds a sample of days against their rows, tells what differs and mends it',
  'refresh-reports': 'counts anew what reports read and may lag',
  'refresh-summaries': 'sums up the days on which something was booked since',
  reindex: 'builds bloated and invalid indexes anew, one at a time, beside the writers',
};

export function whatItDoes(queue: string): string | undefined {
  return does[queue];
}
