import { type Approval, type ApprovedVerb, isSamePerson, readApprovals } from './approvals.ts';
import type { QuarterHouse, QuarterRun } from './context.ts';
import type { Outlook } from './outlook.ts';
import { requireClear } from './outlook.ts';
import { type QuarterRow, readQuarter, recordEvent } from './registry.ts';

export interface ApproveReport {
  readonly quarter: string;
  /** What may go on now; what was approved before is not among it. */
  readonly approved: readonly { readonly verb: ApprovedVerb; readonly requestedBy: string }[];
}

/**
 * Approves what somebody else has asked for: the archive of a quarter, or the drop. It does neither itself.
 *
 * @throws AppError conflict/nothing_to_approve, refused/own_request, not_found/no_such_quarter
 */
export async function approveQuarter(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<ApproveReport> {
  return house.database.direct.transaction().execute(async (trx) => {
    const row = await readQuarter(trx, quarter);
    const asked = await readApprovals(trx, row);
    requireClear(outlookOf(row, asked, run));
    const approved: { verb: ApprovedVerb; requestedBy: string }[] = [];
    for (const { verb, requested_by } of waiting(asked)) {
      const updated = await trx
        .updateTable('quartermaster.approvals')
        .set({ approved_by: run.actor, approved_at: house.clock.now() })
        .where('quarter', '=', quarter)
        .where('verb', '=', verb)
        .where('digest', '=', row.digest)
        // Another request may have taken its place since it was looked at.
        .where('requested_by', '=', requested_by)
        .where('approved_by', 'is', null)
        .executeTakeFirst();
      if (updated.numUpdatedRows === 0n) continue;
      approved.push({ verb, requestedBy: requested_by });
      await recordEvent(trx, quarter, 'approve', run, { verb, requested_by, digest: row.digest });
    }
    return { quarter, approved };
  });
}

export async function previewApprove(
  house: QuarterHouse,
  run: QuarterRun,
  quarter: string,
): Promise<Outlook> {
  const row = await readQuarter(house.database.direct, quarter);
  return outlookOf(row, await readApprovals(house.database.direct, row), run);
}

function outlookOf({ quarter }: QuarterRow, asked: readonly Approval[], { actor }: QuarterRun): Outlook {
  if (asked.length === 0) {
    const detail = `Nobody has asked for an archive or a drop of ${quarter} as it is now. Ask for it first, as \`quartermaster quarters archive ${quarter}\`.`;
    return {
      done: false,
      obstacles: [{ code: 'nothing_to_approve', kind: 'conflict', detail }],
      steps: [],
    };
  }
  const open = waiting(asked);
  const obstacles = open
    .filter(({ requested_by }) => isSamePerson(requested_by, actor))
    .map(({ verb }) => ({
      code: 'own_request',
      detail: `${actor} has asked for the ${verb} of ${quarter}, and nobody approves their own request. Let somebody else do it.`,
    }));
  return {
    done: open.length === 0,
    obstacles,
    steps: open.map(({ verb, requested_by }) => `approve the ${verb} that ${requested_by} has asked for`),
  };
}

function waiting(asked: readonly Approval[]): Approval[] {
  return asked.filter(({ approved_by }) => approved_by === null);
}
