-- The entries of one day out of a quarter's, for the refresh of its summaries: they lie more or less in the order of time, so a few
-- pages of ranges do, and an insert costs next to nothing for it.
CREATE INDEX entries_time_idx ON ledger.entries USING brin (created_at) WITH (autosummarize = on);
