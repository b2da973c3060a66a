/** What a payment is made of. The first three must be there; all other columns of a file become metadata. */
export type Field = 'date' | 'amount' | 'supplier' | 'supplier_id' | 'transaction_no' | 'expense_type';

export type ColumnMap = Partial<Record<Field, number>>;

/**
 * What councils call these columns, the likeliest first, in lower-case letters and digits with single blanks between.
 * A name that none of them is can be given with --columns.
 */
const synonyms: Record<Field, readonly string[]> = {
  date: [
    'date',
    'payment date',
    'date paid',
    'paid date',
    'date of payment',
    'pay date',
    'transaction date',
    'date of transaction',
    'posting date',
    'posted date',
    'date posted',
    'effective date',
    'clearing date',
    'period date',
    'invoice date',
  ],
  amount: [
    'amount',
    'net amount',
    'amount net',
    'amount paid',
    'payment amount',
    'transaction amount',
    'invoice amount',
    'line amount',
    'distribution amount',
    'amount excl vat',
    'amount exc vat',
    'amount excluding vat',
    'net value',
    'net',
    'value',
    'total',
    'spend',
    'gross amount',
    'gross',
  ],
  supplier: [
    'supplier',
    'supplier name',
    'beneficiary',
    'beneficiary name',
    'vendor',
    'vendor name',
    'payee',
    'payee name',
    'creditor',
    'creditor name',
    'merchant',
    'merchant name',
    'organisation',
    'name',
  ],
  supplier_id: [
    'supplier id',
    'supplier number',
    'supplier no',
    'supplier code',
    'supplier ref',
    'supplier reference',
    'vendor id',
    'vendor number',
    'vendor no',
    'vendor code',
    'creditor number',
    'creditor no',
    'creditor id',
    'beneficiary id',
    'payee id',
  ],
  transaction_no: [
    'transaction no',
    'transaction number',
    'transaction id',
    'transaction ref',
    'transaction reference',
    'trans no',
    'payment reference',
    'payment ref',
    'payment number',
    'payment no',
    'payment id',
    'invoice number',
    'invoice no',
    'invoice ref',
    'document number',
    'document no',
    'doc no',
    'voucher number',
    'reference',
    'reference number',
    'internal reference',
    'ref',
  ],
  expense_type: [
    'expense type',
    'expenses type',
    'expenditure type',
    'type of expenditure',
    'expense category',
    'expenditure category',
    'purpose',
    'purpose of spend',
    'purpose of expenditure',
    'summary of purpose',
    'description',
    'account description',
    'subjective description',
    'detailed expenses type',
    'category',
    'detail',
    'details',
    'merchant category',
    'procurement category',
  ],
};

const fields = Object.keys(synonyms) as Field[];
const required = ['date', 'amount', 'supplier'] as const;

/**
 * Finds the columns of a header line, or undefined when the line lacks one of date, amount and supplier, as a title
 * above the header does. `given` names columns by their own text or by their number from 1.
 */
export function findColumns(
  header: readonly string[],
  given: Partial<Record<Field, string>> = {},
): ColumnMap | undefined {
  const names = header.map(simplified);
  const columns: ColumnMap = {};
  for (const field of fields) {
    const name = given[field];
    const place = name === undefined ? placeOf(names, synonyms[field]) : placeOf(names, [simplified(name)]);
    if (place >= 0) columns[field] = place;
    else if (name !== undefined) {
      if (!/^\d+$/.test(name) || Number(name) < 1 || Number(name) > header.length) return undefined;
      columns[field] = Number(name) - 1;
    }
  }
  return required.every((field) => columns[field] !== undefined) ? columns : undefined;
}

/** Reads `date=Payment Date,amount=Net`. Throws on what is none of our fields. */
export function readGivenColumns(text: string): Partial<Record<Field, string>> {
  const given: Partial<Record<Field, string>> = {};
  for (const part of text.split(',')) {
    const [field = '', ...name] = part.split('=');
    if (!(fields as string[]).includes(field) || name.length === 0) {
      throw new Error(
        `--columns: "${part}" is not one of ${fields.map((known) => `${known}=NAME`).join(', ')}`,
      );
    }
    given[field as Field] = name.join('=');
  }
  return given;
}

/** `Net Amount (£)` is `net amount`: letters and digits only, without the currency. */
function simplified(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\b(gbp|in pounds)\b/g, ' ')
    .replace(/ +/g, ' ')
    .trim();
}

function placeOf(names: readonly string[], wanted: readonly string[]): number {
  for (const name of wanted) {
    const place = names.indexOf(name);
    if (place >= 0) return place;
  }
  return -1;
}
