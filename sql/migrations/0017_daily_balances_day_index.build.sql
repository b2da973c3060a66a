-- The daily balances of one quarter, which its close compares with the entries, out of those of all time: days are
-- written more or less in order, so a few pages of ranges do.
CREATE INDEX daily_balances_day_idx ON ledger.daily_balances
  USING brin (snapshot_date) WITH (autosummarize = on);
