import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { AskBody } from './ask.ts';
import { type Verb, verbWords } from './verbs.ts';

/** What the fields hold. */
export interface FormValues {
  reason: string;
  until: string;
  into: string;
  confirm: string;
}
export type Field = keyof FormValues;

/** What is asked for, and of which quarter. */
export interface Asked {
  readonly quarter: string;
  readonly verb: Verb;
  readonly label: string;
  /** A copy in a schema of its own is meant, and nothing else. */
  readonly needsInto: boolean;
  /** It is restored already, and should be for longer. */
  readonly needsUntil: boolean;
  /** What the schedule does by itself when this is done. */
  readonly afterwards?: string | undefined;
}

/** What is wrong with the fields, in the order in which they stand. Empty when it can be sent. */
export function faultsOf(asked: Asked, values: FormValues): Partial<Record<Field, string>> {
  const { verb, quarter } = asked;
  const faults: Partial<Record<Field, string>> = {};
  if (verbWords[verb].reason === 'needed' && values.reason.trim() === '')
    faults.reason = 'Say why: the story of the quarter keeps it.';
  if (asked.needsUntil && values.until === '') faults.until = 'Say until when it is wanted.';
  if (asked.needsInto && values.into.trim() === '') faults.into = 'Name the schema that the copy goes into.';
  else if (values.into.trim() !== '' && !isSchema(values.into.trim()))
    faults.into = 'Up to 63 lower-case letters, digits and _, a letter first.';
  if (verb === 'drop' && values.confirm.trim() !== quarter)
    faults.confirm = `Type ${quarter} to say that you mean this quarter.`;
  return faults;
}

/** What of it is sent: what is left empty is not. */
export function bodyOf({ verb }: Asked, { reason, until, into, confirm }: FormValues): AskBody {
  const takes = (some: readonly Verb[], value: string) => some.includes(verb) && value.trim() !== '';
  return {
    ...(reason.trim() !== '' && { reason: reason.trim() }),
    ...(takes(['restore'], until) && { until }),
    ...(takes(['restore', 'release'], into) && isSchema(into.trim()) && { into: into.trim() }),
    ...(takes(['drop'], confirm) && { confirm: confirm.trim() }),
  };
}

function isSchema(text: string): boolean {
  return /^[a-z][a-z0-9_]{0,62}$/.test(text);
}

export interface FormOptions {
  readonly asked: Asked;
  readonly values: FormValues;
  readonly faults: Partial<Record<Field, string>>;
  readonly isBusy: boolean;
  /** Each letter. */
  onInput(field: Field, value: string): void;
  /** The field is left. */
  onChange(): void;
}

/** The fields of a verb. */
export function formFields(options: FormOptions): TemplateResult {
  const { asked, values } = options;
  const { verb, quarter } = asked;
  const { hint, reason } = verbWords[verb];
  const needsReason = reason === 'needed';
  return html`
    ${field(
      options,
      'reason',
      needsReason ? 'Why' : 'Why (may be left empty)',
      `${hint} The story of the quarter keeps it.`,
      {
        isLong: true,
        isNeeded: needsReason,
      },
    )}
    ${
      verb !== 'restore'
        ? nothing
        : field(
            options,
            'until',
            asked.needsUntil ? 'Until the end of' : 'Until the end of (may be left empty)',
            'After that day it is taken out again by itself. Left empty it stays for as many days as the house gives.',
            { type: 'date', isNeeded: asked.needsUntil },
          )
    }
    ${intoField(options)}
    ${
      verb !== 'drop'
        ? nothing
        : field(
            options,
            'confirm',
            `Type ${quarter}`,
            'Its tables are deleted, and that cannot be undone but by a restore from the archive.',
            {
              isNeeded: true,
            },
          )
    }
    ${values.into !== '' && verb === 'release' ? html`<p>Only the copy in the schema <code>${values.into}</code> is meant.</p>` : nothing}`;
}

/** Few want a copy beside the ledger: it is folded away where the quarter itself can be restored. */
function intoField(options: FormOptions): TemplateResult | typeof nothing {
  if (options.asked.verb !== 'restore') return nothing;
  const { needsInto } = options.asked;
  const into = field(
    options,
    'into',
    needsInto ? 'Schema of the copy' : 'Schema of a copy (may be left empty)',
    'A copy to be read with SQL, in a schema of the database beside the ledger, for instance audit_2024. The quarter itself stays as it is.',
    { isNeeded: needsInto },
  );
  if (needsInto) return into;
  return html`<details class="advanced"><summary>A copy beside the ledger instead</summary>${into}</details>`;
}

interface FieldLook {
  readonly isNeeded?: boolean;
  readonly isLong?: boolean;
  readonly type?: 'text' | 'date';
}

function field(
  { values, faults, isBusy, onInput, onChange }: FormOptions,
  name: Field,
  label: string,
  hint: string,
  { isNeeded = false, isLong = false, type = 'text' }: FieldLook,
): TemplateResult {
  const fault = faults[name];
  const id = `ask-${name}`;
  const describedBy = `${id}-hint${fault === undefined ? '' : ` ${id}-fault`}`;
  const input = (event: Event) => onInput(name, (event.target as HTMLInputElement).value);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${
      isLong
        ? html`<textarea
          id=${id}
          name=${name}
          rows="2"
          maxlength="1000"
          aria-describedby=${describedBy}
          aria-invalid=${fault === undefined ? nothing : 'true'}
          ?required=${isNeeded}
          ?readonly=${isBusy}
          .value=${live(values[name])}
          @input=${input}
          @change=${onChange}
        ></textarea>`
        : html`<input
          id=${id}
          name=${name}
          type=${type}
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          aria-describedby=${describedBy}
          aria-invalid=${fault === undefined ? nothing : 'true'}
          ?required=${isNeeded}
          ?readonly=${isBusy}
          .value=${live(values[name])}
          @input=${input}
          @change=${onChange}
        />`
    }
    ${fault === undefined ? nothing : html`<p class="fault" id=${`${id}-fault`}>${fault}</p>`}
    <p class="hint" id=${`${id}-hint`}>${hint}</p>
  </div>`;
}
