import { type Static, Type } from 'typebox';
import { groups } from './check.ts';

const text = (description: string) => Type.String({ description });

/** One question and its answer, as `--json` prints it. */
export const findingSchema = Type.Object(
  {
    name: text('the name of the check, as --only takes it'),
    group: Type.Enum([...groups], { description: 'what it is about' }),
    check: text('what is so where all is well'),
    outcome: Type.Enum(['ok', 'advice', 'failed', 'skipped', 'fixed'], {
      description:
        'advice: it works, and will hurt; failed: something does not work or will be lost; skipped: it could not be asked; fixed: it was mended',
    }),
    found: Type.Optional(text('of advice, failed and fixed: what was found, with its numbers')),
    means: Type.Optional(text('of advice and failed: what it leads to')),
    advice: Type.Optional(text('of advice and failed: what to do')),
    why: Type.Optional(text('of skipped: why it could not be asked')),
  },
  { additionalProperties: false },
);

export type Finding = Static<typeof findingSchema>;

/** The document of `doctor --json`: in the order in which the checks are told. */
export const doctorSchema = Type.Array(findingSchema);
