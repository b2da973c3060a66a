import { describe, expect, it } from 'vitest';
import {
  decodeCell,
  poundsOf,
  readDay,
  readPence,
  supplierKey,
} from '../../examples/council-spending/cells.ts';
import { findColumns, readGivenColumns } from '../../examples/council-spending/columns.ts';

describe('a cell', () => {
  it.each([
    ['2019-03-31', '2019-03-31'],
    ['2019-03-31T00:00:00', '2019-03-31'],
    ['31/03/2019', '2019-03-31'],
    [' 1/4/19 ', '2019-04-01'],
    ['01.04.2019', '2019-04-01'],
    ['31/03/2019 00:00', '2019-03-31'],
    ['31/03/2019 12:00:00 AM', '2019-03-31'],
    ['31-Mar-19', '2019-03-31'],
    ['31 March 2019', '2019-03-31'],
    ['1st April 2019', '2019-04-01'],
    ['31/02/2019', undefined],
    ['13/13/2019', undefined],
    ['Total', undefined],
    ['', undefined],
    ['43555', undefined],
  ])('%j is the day %s', (text, expected) => {
    expect(readDay(text)).toBe(expected);
  });

  it('may have its month first', () => {
    expect(readDay('03/31/2019', true)).toBe('2019-03-31');
  });

  it.each([
    ['12.34', 1234n],
    ['£1,234.50', 123450n],
    ['(1,234.50)', -123450n],
    ['(£1,234.5)', -123450n],
    ['-£5', -500n],
    ['£-5.00', -500n],
    ['5.00-', -500n],
    ['5.00 CR', -500n],
    [' 1 234.50 ', 123450n],
    ['\u2212 7.1', -710n],
    ['.5', 50n],
    ['500.', 50000n],
    ['0.00', 0n],
    ['12.3400', 1234n],
    ['12.345', undefined],
    ['1,23.50', undefined],
    ['1.234,50', undefined],
    ['1E+05', undefined],
    ['', undefined],
    ['-', undefined],
    ['n/a', undefined],
  ])('%j is %s pence', (text, expected) => {
    expect(readPence(text)).toBe(expected);
  });

  it('of pence is written in pounds', () => {
    expect([1n, 10n, 123450n].map(poundsOf)).toEqual(['0.01', '0.10', '1234.50']);
  });

  it('is UTF-8, or else Windows-1252', () => {
    const read = (bytes: Buffer) => decodeCell(bytes.toString('latin1'));
    expect(read(Buffer.from('Café £ 株'))).toBe('Café £ 株');
    expect(read(Buffer.from([0xa3, 0x31, 0x80, 0x92]))).toBe('£1€\u2019');
  });
});

describe('a supplier', () => {
  it('is known by its number, else by a slug of its name', () => {
    expect(supplierKey('S119271', 'Whoever')).toBe('S119271');
    expect(supplierKey(' 12:34 ', '')).toBe('12-34');
    expect(supplierKey('', 'O2(UK)LTD PREPAY')).toBe('name-o2-uk-ltd-prepay');
    expect(supplierKey('', 'Café Ångström & Sons')).toBe(supplierKey('', 'CAFE  ANGSTROM, SONS.'));
    expect(supplierKey('', '株式会社')).toBe('name-株式会社');
  });

  it('has a key of its own even where the name has nothing to make one of, or is very long', () => {
    const keys = ['', '***', '…', 'x'.repeat(300), `${'x'.repeat(299)}y`].map((name) =>
      supplierKey('', name),
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(128);
  });
});

describe('the columns', () => {
  it.each([
    [['Date', 'Supplier', 'Amount'], { date: 0, supplier: 1, amount: 2 }],
    [
      ['Body Name', 'Payment Date', 'Net Amount (£)', 'Beneficiary Name', 'Purpose of Spend'],
      { date: 1, amount: 2, supplier: 3, expense_type: 4 },
    ],
    [
      ['Vendor No.', 'VENDOR NAME', 'Posting Date', 'Amount (GBP)', 'Document-Number'],
      { supplier_id: 0, supplier: 1, date: 2, amount: 3, transaction_no: 4 },
    ],
  ])('of %j are found', (header, expected) => {
    expect(findColumns(header)).toEqual(expected);
  });

  it('can be given, by name or by number', () => {
    const header = ['Wann', 'Wer', 'Was', 'Date'];
    expect(findColumns(header)).toBeUndefined();
    expect(findColumns(header, readGivenColumns('date=Wann,supplier=2,amount=was'))).toEqual({
      date: 0,
      supplier: 1,
      amount: 2,
    });
    expect(findColumns(header, readGivenColumns('date=Wann,supplier=9,amount=was'))).toBeUndefined();
    expect(() => readGivenColumns('colour=x')).toThrow('colour');
  });
});
