-- Views for finance and for BI tools. They belong to the role that owns the tables, so who may read them needs no right on those.
-- Amounts come twice: in the currency's own units, exact, and as minor units in the column of that name with _minor behind it.
CREATE SCHEMA reports;

-- The first instant of a local day, as the calendar has it: the earlier one where clocks go back over midnight, which AT TIME ZONE alone
-- takes for the later. 24 hours and not a day, for a day would depend on the zone of the session.
CREATE FUNCTION quartermaster.start_of_day(day date, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT CASE earlier.at AT TIME ZONE zone WHEN day::timestamp THEN earlier.at ELSE late.at END
  FROM (SELECT day::timestamp AT TIME ZONE zone AS at) AS late
  CROSS JOIN LATERAL (SELECT late.at - interval '24 hours' AS at) AS eve
  CROSS JOIN LATERAL (
    SELECT (day::timestamp - ((eve.at AT TIME ZONE zone) - (eve.at AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC' AS at
  ) AS earlier
);

-- The periods from the one that holds the first day to the one that holds the last. ROWS is for the planner, which would take a thousand for
-- generate_series, and queries of a few milliseconds for some that are worth compiling.
CREATE FUNCTION quartermaster.periods(unit text, step interval, first date, last date) RETURNS TABLE (first_day date, next_day date)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 12 AS $$ BEGIN
  RETURN QUERY SELECT g.at::date, (g.at + step)::date FROM generate_series(date_trunc(unit, first::timestamp), last::timestamp, step) AS g (at);
END $$;
-- Functions in a view are called by whoever reads it.
GRANT EXECUTE ON FUNCTION quartermaster.start_of_day(date, text), quartermaster.periods(text, interval, date, date) TO PUBLIC;

-- The days whose stored figures may be behind, so that their rows are counted instead. Of a quarter that is not online there are none,
-- and what is stored stands.
CREATE VIEW quartermaster.live_days AS
SELECT m.ledger_id, m.day, m.marked_at, quartermaster.start_of_day(m.day, s.value) AS starts_at,
       quartermaster.start_of_day(m.day + 1, s.value) AS ends_at
FROM (SELECT ledger_id, day, min(marked_at) AS marked_at FROM quartermaster.summary_marks GROUP BY ledger_id, day) AS m
JOIN quartermaster.settings AS s ON s.name = 'timezone'
WHERE NOT EXISTS (
  SELECT FROM quartermaster.quarters AS q
  WHERE q.quarter = to_char(m.day::timestamp, 'YYYY"q"Q')
    AND (q.state IN ('detached', 'dropped') OR q.state IN ('archived', 'restored') AND 2 > (
      SELECT count(*) FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
      WHERE i.inhparent IN ('ledger.transactions'::regclass, 'ledger.entries'::regclass) AND NOT i.inhdetachpending
        AND c.relname IN ('transactions_' || q.quarter, 'entries_' || q.quarter)))
);

-- Twelve views of three shapes: each takes the stored days but for the live ones, and those from their rows, in one statement. LATERAL
-- lets every condition reach the keys of the tables, and a period is a range of days, so that no other day is read.
DO $$ DECLARE shape record; period record; live text; days text; shown text; BEGIN
  FOR shape IN SELECT * FROM (VALUES
    ('', 'Transactions of each %s, by currency and status', '{currency,status}'::text[], 'ledger.daily_totals', 'transaction_count', 'total_amount', '0'),
    ('_by_user', 'Transactions of each %s, by user, currency and status', '{user_id,currency,status}', 'ledger.daily_transaction_summary',
     'transaction_count', 'total_amount', '0'),
    ('_by_group', 'Debits and credits of each %s, by kind of account and currency', '{group_type,currency}', 'ledger.daily_group_totals',
     'entry_count', 'debits', 'credits')
  ) AS s (suffix, title, keys, stored, n, x, y) LOOP
    live := format('SELECT t.%1$s, count(*) AS n, sum(t.amount) AS x, 0::numeric AS y FROM ledger.transactions AS t
      WHERE t.ledger_id = d.ledger_id AND t.created_at >= d.starts_at AND t.created_at < d.ends_at GROUP BY t.%1$s', array_to_string(shape.keys, ', t.'));
    shown := '%1$s AS transaction_count, %2$s * %4$s AS amount, %2$s AS amount_minor';
    IF shape.suffix = '_by_group' THEN
      -- Entries have no index by day: the day's transactions name the accounts, and each is then a range of the key.
      live := 'SELECT a.group_type, a.currency, sum(e.n)::bigint AS n, sum(e.x) AS x, sum(e.y) AS y
        FROM (SELECT DISTINCT named.account_id FROM ledger.transactions AS t CROSS JOIN unnest(t.account_ids) AS named (account_id)
              WHERE t.ledger_id = d.ledger_id AND t.created_at >= d.starts_at AND t.created_at < d.ends_at) AS moved
        JOIN ledger.accounts AS a ON a.ledger_id = d.ledger_id AND a.id = moved.account_id
        CROSS JOIN LATERAL (
          SELECT count(*) AS n, coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS x,
                 coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS y
          FROM ledger.entries AS e WHERE e.ledger_id = d.ledger_id AND e.account_id = moved.account_id
            AND e.created_at >= d.starts_at AND e.created_at < d.ends_at) AS e
        WHERE e.n > 0 GROUP BY a.group_type, a.currency';
      shown := '%1$s AS entry_count, %2$s * %4$s AS debits, %3$s * %4$s AS credits, %2$s AS debits_minor, %3$s AS credits_minor';
    END IF;
    days := format('
      SELECT d.day, d.%1$s, d.%2$s AS n, d.%3$s::numeric AS x, %4$s::numeric AS y FROM %5$s AS d
      WHERE d.ledger_id = l.id $range$ AND (d.ledger_id, d.day) NOT IN (SELECT live.ledger_id, live.day FROM live)
      UNION ALL
      SELECT d.day, t.%6$s, t.n, t.x, t.y FROM live AS d CROSS JOIN LATERAL (%7$s) AS t WHERE d.ledger_id = l.id $range$',
      array_to_string(shape.keys, ', d.'), shape.n, shape.x, shape.y, shape.stored, array_to_string(shape.keys, ', t.'), live);
    EXECUTE format('
      CREATE VIEW reports.daily%s AS
      WITH live AS MATERIALIZED (SELECT ledger_id, day, starts_at, ends_at FROM quartermaster.live_days)
      SELECT l.id AS ledger_id, l.name AS ledger, d.day, d.%s, %s
      FROM ledger.ledgers AS l CROSS JOIN LATERAL (%s) AS d JOIN ledger.currencies AS c ON c.code = d.currency',
      shape.suffix, array_to_string(shape.keys, ', d.'),
      format(shown, 'd.n', 'd.x', 'd.y', '(''1e-'' || c.exponent)::numeric'), replace(days, '$range$', ''));
    EXECUTE format('COMMENT ON VIEW reports.daily%s IS %L', shape.suffix, format(shape.title, 'day'));
    FOR period IN SELECT * FROM (VALUES
      ('weekly', 'week', 'IYYY-"W"IW', '1 week'), ('monthly', 'month', 'YYYY-MM', '1 month'), ('quarterly', 'quarter', 'YYYY"q"Q', '3 months')
    ) AS p (name, unit, format, step) LOOP
      EXECUTE format('
        CREATE VIEW reports.%1$s%2$s AS
        WITH live AS MATERIALIZED (SELECT ledger_id, day, starts_at, ends_at FROM quartermaster.live_days)
        SELECT l.id AS ledger_id, l.name AS ledger, p.name AS %3$s, p.first_day, p.next_day - 1 AS last_day, t.%4$s, %5$s
        FROM ledger.ledgers AS l
        CROSS JOIN LATERAL (
          SELECT least(s.first, v.first) AS first, greatest(s.last, v.last) AS last
          FROM (SELECT min(day) AS first, max(day) AS last FROM ledger.daily_totals WHERE ledger_id = l.id) AS s,
               (SELECT min(day) AS first, max(day) AS last FROM live WHERE ledger_id = l.id) AS v
        ) AS span
        CROSS JOIN LATERAL (
          SELECT to_char(g.first_day::timestamp, %6$L) AS name, g.first_day, g.next_day
          FROM quartermaster.periods(%3$L, %7$L, span.first, span.last) AS g
        ) AS p
        CROSS JOIN LATERAL (
          SELECT %8$s, sum(d.n)::bigint AS n, sum(d.x) AS x, sum(d.y) AS y FROM (%9$s) AS d GROUP BY %8$s
        ) AS t
        JOIN ledger.currencies AS c ON c.code = t.currency',
        period.name, shape.suffix, period.unit, array_to_string(shape.keys, ', t.'),
        format(shown, 't.n', 't.x', 't.y', '(''1e-'' || c.exponent)::numeric'), period.format, period.step,
        'd.' || array_to_string(shape.keys, ', d.'), replace(days, '$range$', 'AND d.day >= p.first_day AND d.day < p.next_day'));
      EXECUTE format('COMMENT ON VIEW reports.%s%s IS %L', period.name, shape.suffix, format(shape.title, period.unit));
    END LOOP;
  END LOOP;
END $$;

CREATE VIEW reports.quarters AS
SELECT q.quarter, d.first_day, (d.first_day + interval '3 months')::date - 1 AS last_day, q.state, q.stale_reason IS NOT NULL AS is_stale,
       q.closed_at, q.archived_at
FROM quartermaster.quarters AS q
CROSS JOIN LATERAL make_date(left(q.quarter, 4)::integer, right(q.quarter, 1)::integer * 3 - 2, 1) AS d (first_day);

CREATE VIEW reports.accounts AS
SELECT l.id AS ledger_id, l.name AS ledger, a.id AS account_id, a.entity_id || ':' || a.group_type AS account, a.entity_id, a.group_type,
       a.currency, a.name AS account_name, a.status AS account_status, b.posted * ('1e-' || c.exponent)::numeric AS balance,
       b.posted::numeric AS balance_minor, b.last_entry_at
FROM ledger.ledgers AS l JOIN ledger.accounts AS a ON a.ledger_id = l.id
JOIN ledger.balances AS b ON b.ledger_id = a.ledger_id AND b.account_id = a.id JOIN ledger.currencies AS c ON c.code = a.currency;

CREATE VIEW reports.balance_history AS
WITH live AS MATERIALIZED (SELECT ledger_id, day, starts_at, ends_at FROM quartermaster.live_days)
SELECT l.id AS ledger_id, l.name AS ledger, a.id AS account_id, a.entity_id || ':' || a.group_type AS account, a.entity_id, a.group_type,
       a.currency, d.day, d.balance * ('1e-' || c.exponent)::numeric AS balance, d.balance::numeric AS balance_minor
FROM ledger.ledgers AS l JOIN ledger.accounts AS a ON a.ledger_id = l.id
CROSS JOIN LATERAL (
  SELECT b.snapshot_date AS day, b.closing_balance AS balance FROM ledger.daily_balances AS b
  WHERE b.ledger_id = a.ledger_id AND b.account_id = a.id
    AND (b.ledger_id, b.snapshot_date) NOT IN (SELECT live.ledger_id, live.day FROM live)
  UNION ALL
  SELECT live.day, e.balance_after FROM live CROSS JOIN LATERAL (
    SELECT e.balance_after FROM ledger.entries AS e
    WHERE e.ledger_id = a.ledger_id AND e.account_id = a.id AND e.created_at >= live.starts_at AND e.created_at < live.ends_at
    ORDER BY e.created_at DESC, e.version DESC LIMIT 1
  ) AS e
  WHERE live.ledger_id = a.ledger_id
) AS d
JOIN ledger.currencies AS c ON c.code = a.currency;

-- The same for one account and day by one probe. They read with the rights of their owner, so that who may call them needs no right on
-- the tables; their names are all qualified, and PUBLIC may not call them.
CREATE FUNCTION reports.closing_balance_minor(ledger_id integer, account_id bigint, day date) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE stored record; live record; found bigint;
BEGIN
  SELECT b.snapshot_date, b.closing_balance INTO stored FROM ledger.daily_balances AS b
  WHERE b.ledger_id = $1 AND b.account_id = $2 AND b.snapshot_date <= $3 ORDER BY b.snapshot_date DESC LIMIT 1;
  -- Days in between on which the account moved would be stored if they were not marked, so its newest entry since counts.
  IF EXISTS (SELECT FROM quartermaster.summary_marks AS m
             WHERE m.ledger_id = $1 AND m.day >= coalesce(stored.snapshot_date, '-infinity') AND m.day <= $3) THEN
    SELECT quartermaster.start_of_day(min(d.day), s.value) AS starts_at, quartermaster.start_of_day(max(d.day) + 1, s.value) AS ends_at INTO live
    FROM quartermaster.live_days AS d CROSS JOIN quartermaster.settings AS s
    WHERE d.ledger_id = $1 AND d.day >= coalesce(stored.snapshot_date, '-infinity') AND d.day <= $3 AND s.name = 'timezone' GROUP BY s.value;
    SELECT e.balance_after INTO found FROM ledger.entries AS e
    WHERE e.ledger_id = $1 AND e.account_id = $2 AND e.created_at >= live.starts_at AND e.created_at < live.ends_at
    ORDER BY e.created_at DESC, e.version DESC LIMIT 1;
  END IF;
  IF found IS NULL AND stored.snapshot_date IS NULL
     AND NOT EXISTS (SELECT FROM ledger.accounts AS a WHERE a.ledger_id = $1 AND a.id = $2) THEN RETURN NULL; END IF;
  RETURN coalesce(found, stored.closing_balance, 0);
END $$;
CREATE FUNCTION reports.closing_balance(ledger_id integer, account_id bigint, day date) RETURNS numeric
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT reports.closing_balance_minor($1, $2, $3) * ('1e-' || c.exponent)::numeric
        FROM ledger.accounts AS a JOIN ledger.currencies AS c ON c.code = a.currency WHERE a.ledger_id = $1 AND a.id = $2);
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA reports FROM PUBLIC;

-- The trial balance as each close fixed it, with the accounts that did not move in the quarter and carry over what they had.
CREATE VIEW reports.trial_balance AS
SELECT l.id AS ledger_id, l.name AS ledger, q.quarter, q.state, q.stale_reason IS NOT NULL AS is_stale, b.account_id,
       coalesce(k.entity_id, a.entity_id) || ':' || coalesce(k.group_type, a.group_type) AS account,
       coalesce(k.entity_id, a.entity_id) AS entity_id, coalesce(k.group_type, a.group_type) AS group_type, a.currency,
       coalesce(k.name, a.name) AS account_name, m.moved, m.opening * u.unit AS opening, m.debits * u.unit AS debits, m.credits * u.unit AS credits,
       b.closing * u.unit AS closing, m.opening::numeric AS opening_minor, m.debits::numeric AS debits_minor,
       m.credits::numeric AS credits_minor, b.closing::numeric AS closing_minor
FROM quartermaster.quarters AS q
CROSS JOIN ledger.ledgers AS l
CROSS JOIN LATERAL (
  SELECT DISTINCT ON (b.account_id) b.account_id, b.quarter, b.opening, b.debits, b.credits, b.closing
  FROM ledger.quarter_balances AS b WHERE b.ledger_id = l.id AND b.quarter <= q.quarter
  ORDER BY b.account_id, b.quarter DESC
) AS b
CROSS JOIN LATERAL (
  SELECT b.quarter = q.quarter AS moved, CASE b.quarter WHEN q.quarter THEN b.opening ELSE b.closing END AS opening,
         CASE b.quarter WHEN q.quarter THEN b.debits ELSE 0 END AS debits, CASE b.quarter WHEN q.quarter THEN b.credits ELSE 0 END AS credits
) AS m
JOIN ledger.accounts AS a ON a.ledger_id = l.id AND a.id = b.account_id JOIN ledger.currencies AS c ON c.code = a.currency
LEFT JOIN ledger.quarter_accounts AS k ON k.ledger_id = l.id AND k.quarter = b.quarter AND k.account_id = b.account_id
CROSS JOIN LATERAL (SELECT ('1e-' || c.exponent)::numeric AS unit) AS u
WHERE q.state NOT IN ('planned', 'open');

CREATE VIEW reports.trial_balance_totals AS
SELECT t.ledger_id, t.ledger, t.quarter, t.state, t.is_stale, t.currency, count(*) AS account_count,
       count(*) FILTER (WHERE t.moved) AS moved_count, sum(t.opening) AS opening, sum(t.debits) AS debits, sum(t.credits) AS credits,
       sum(t.closing) AS closing, sum(t.opening_minor) AS opening_minor, sum(t.debits_minor) AS debits_minor,
       sum(t.credits_minor) AS credits_minor, sum(t.closing_minor) AS closing_minor,
       sum(t.debits_minor) = sum(t.credits_minor) AND sum(t.opening_minor) = 0 AND sum(t.closing_minor) = 0 AS is_balanced
FROM reports.trial_balance AS t
GROUP BY t.ledger_id, t.ledger, t.quarter, t.state, t.is_stale, t.currency;

-- Fixed rows of quarters that are closed, and the others computed: joined by the bounds of the quarter, so that of the entries only
-- what is open is read.
CREATE MATERIALIZED VIEW reports.top_counterparties_quarterly AS
SELECT l.id AS ledger_id, l.name AS ledger, t.quarter, t.currency, t.rank, t.entity_id, t.turnover * u.unit AS turnover, t.debits * u.unit AS debits,
       t.credits * u.unit AS credits, t.turnover AS turnover_minor, t.debits AS debits_minor, t.credits AS credits_minor, t.is_final, t.as_of
FROM (
  SELECT f.ledger_id, f.quarter, f.currency, f.rank, f.entity_id, f.turnover::numeric, f.debits::numeric, f.credits::numeric,
         true AS is_final, q.closed_at AS as_of
  FROM ledger.quarter_counterparties AS f JOIN quartermaster.quarters AS q ON q.quarter = f.quarter
  WHERE q.state NOT IN ('planned', 'open')
  UNION ALL
  SELECT r.ledger_id, q.quarter, r.currency, r.rank::integer, r.entity_id, r.debits + r.credits, r.debits, r.credits, false, now()
  FROM quartermaster.quarters AS q
  CROSS JOIN LATERAL (
    SELECT s.ledger_id, a.currency, a.entity_id, sum(s.debits) AS debits, sum(s.credits) AS credits,
           row_number() OVER (PARTITION BY s.ledger_id, a.currency ORDER BY sum(s.debits) + sum(s.credits) DESC, a.entity_id) AS rank
    FROM (
      SELECT e.ledger_id, e.account_id, coalesce(-sum(e.amount) FILTER (WHERE e.amount < 0), 0) AS debits,
             coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS credits
      FROM ledger.entries AS e WHERE e.created_at >= q.starts_at AND e.created_at < q.ends_at
      GROUP BY e.ledger_id, e.account_id
    ) AS s
    JOIN ledger.accounts AS a ON a.ledger_id = s.ledger_id AND a.id = s.account_id
    GROUP BY s.ledger_id, a.currency, a.entity_id
  ) AS r
  WHERE q.state IN ('planned', 'open') AND r.rank <= 100
) AS t
JOIN ledger.ledgers AS l ON l.id = t.ledger_id JOIN ledger.currencies AS c ON c.code = t.currency
CROSS JOIN LATERAL (SELECT ('1e-' || c.exponent)::numeric AS unit) AS u
WITH NO DATA;
-- What a refresh without blocking readers asks for.
CREATE UNIQUE INDEX top_counterparties_quarterly_key ON reports.top_counterparties_quarterly (ledger_id, quarter, currency, rank);

CREATE VIEW reports.freshness AS
SELECT n.name, r.refreshed_at, clock_timestamp() - r.refreshed_at AS age, r.seconds,
       CASE WHEN n.is_daily THEN coalesce(clock_timestamp() - m.oldest, '0') ELSE clock_timestamp() - r.refreshed_at END AS lag, m.days_outstanding
FROM (VALUES ('daily summaries', true), ('top_counterparties_quarterly', false)) AS n (name, is_daily)
LEFT JOIN quartermaster.refreshes AS r ON r.name = n.name
LEFT JOIN (SELECT min(marked_at) AS oldest, count(*) AS days_outstanding FROM quartermaster.live_days) AS m ON n.is_daily;

-- Every column of one name means the same wherever it is, so it is described once.
DO $$ DECLARE one record; BEGIN
  FOR one IN
    WITH texts (name, text) AS (VALUES
      ('ledger_id', 'the ledger, by its number'), ('ledger', 'the ledger, by its name'), ('day', 'a day of the ledger''s time zone'),
      ('week', 'ISO 8601 week, as 2026-W14'), ('month', 'as 2026-03'), ('quarter', 'as 2026q1'), ('first_day', 'the first day of the period'),
      ('last_day', 'the last day of the period, included'), ('user_id', 'the user that the transactions name; empty where they name none'),
      ('group_type', 'the kind of account, as WALLET'), ('currency', 'ISO 4217 code'), ('status', 'SUCCESS: booked; FAILED: recorded as refused'),
      ('transaction_count', 'how many transactions'), ('entry_count', 'how many entries'), ('amount', 'what the transactions moved'),
      ('debits', 'what went out of the accounts'), ('credits', 'what came into the accounts'), ('account_id', 'the account, by its number'),
      ('account', 'the account, by its address: entity:GROUP'), ('entity_id', 'whom the account belongs to'),
      ('account_name', 'the name of the account; in a trial balance the one it had at close'), ('account_status', 'ACTIVE, BLOCKED or CLOSED'),
      ('balance', 'of an account now, in a history at the end of the day'), ('last_entry_at', 'when the account last moved'),
      ('state', 'of the quarter: planned, open, closed, archived, detached, dropped or restored'),
      ('is_stale', 'true: an earlier quarter was reopened since, so this one will be closed again'), ('closed_at', 'when the quarter was closed'),
      ('archived_at', 'when the quarter was archived'), ('moved', 'false: the account had no entry in the quarter and carries its balance over'),
      ('opening', 'balance at the start of the quarter'), ('closing', 'balance at the end of the quarter'), ('account_count', 'how many accounts'),
      ('moved_count', 'how many of them had entries in the quarter'), ('is_balanced', 'true: debits equal credits, and openings and closings each sum to 0'),
      ('rank', '1 to 100 by turnover; equals in the order of entity_id'), ('turnover', 'debits and credits together'),
      ('is_final', 'true: fixed when the quarter was closed'), ('as_of', 'when the row was computed: of a closed quarter its close'),
      ('name', 'what may be behind'), ('refreshed_at', 'when it was last brought up to date'), ('age', 'how long ago that was'),
      ('seconds', 'how long that took'), ('days_outstanding', 'days that are not summed up yet'),
      ('lag', 'how far it is behind now; the views count what daily summaries miss from the rows, so they are exact all the same'))
    SELECT c.relname, a.attname, coalesce(t.text, m.text || ', in minor units') AS text
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN texts AS t ON t.name = a.attname LEFT JOIN texts AS m ON m.name || '_minor' = a.attname
    WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind IN ('v', 'm')
  LOOP
    IF one.text IS NULL THEN RAISE EXCEPTION 'column %.% has no comment', one.relname, one.attname; END IF;
    EXECUTE format('COMMENT ON COLUMN reports.%I.%I IS %L', one.relname, one.attname, one.text);
  END LOOP;
END $$;

COMMENT ON VIEW reports.quarters IS 'The quarters and their states';
COMMENT ON VIEW reports.accounts IS 'The accounts, with their balances of now';
COMMENT ON VIEW reports.balance_history IS 'The balance of each account at the end of each day on which it moved';
COMMENT ON VIEW reports.trial_balance IS 'The trial balance of each closed quarter, account by account, those included that only carry over';
COMMENT ON VIEW reports.trial_balance_totals IS 'What each trial balance comes to, by currency, and whether it balances';
COMMENT ON VIEW reports.freshness IS 'How far what is computed beforehand is behind';
COMMENT ON SCHEMA reports IS 'What may be read for finance and BI; quartermaster reports grant ROLE gives access';
COMMENT ON MATERIALIZED VIEW reports.top_counterparties_quarterly IS 'The hundred entities that moved most in each quarter, by currency';
COMMENT ON FUNCTION reports.closing_balance(integer, bigint, date) IS 'The balance of an account at the end of a day; null: there is no such account';
COMMENT ON FUNCTION reports.closing_balance_minor(integer, bigint, date) IS 'The same in minor units';

-- What takes no time is there at once; otherwise the job refresh-reports fills it, and nobody waits for this migration.
DO $$ BEGIN
  IF (SELECT coalesce(sum(pg_relation_size(inhrelid)), 0) < 64 * 1024 * 1024 FROM pg_inherits WHERE inhparent = 'ledger.entries'::regclass) THEN
    REFRESH MATERIALIZED VIEW reports.top_counterparties_quarterly;
    INSERT INTO quartermaster.refreshes (name, refreshed_at, seconds) VALUES ('top_counterparties_quarterly', now(), 0)
    ON CONFLICT (name) DO NOTHING;
  END IF;
END $$;
-- Tables of a few rows, which autovacuum never comes to: without statistics the planner takes them for a thousand.
ANALYZE ledger.ledgers, ledger.currencies, quartermaster.settings, quartermaster.quarters, quartermaster.refreshes;
