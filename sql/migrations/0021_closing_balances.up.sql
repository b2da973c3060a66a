-- What reports.closing_balance gives, of all accounts of a ledger at once. That one looks through all marks for each account it is asked for;
-- here they are read once, and then each account is a probe of what is stored, and of its entries where a day since then is live.
-- It reads with the rights of its owner and is safe for the same reasons: its names are all qualified, and PUBLIC may not call it.
CREATE FUNCTION reports.closing_balances(ledger_id integer, day date)
RETURNS TABLE (account_id bigint, account text, entity_id text, group_type text, currency text, balance numeric, balance_minor numeric)
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH live AS MATERIALIZED (
    SELECT array_agg(d.day ORDER BY d.day) AS days, array_agg(d.starts_at ORDER BY d.day) AS starts, max(d.ends_at) AS ends_at
    FROM quartermaster.live_days AS d WHERE d.ledger_id = $1 AND d.day <= $2
  )
  SELECT a.id, a.entity_id || ':' || a.group_type, a.entity_id, a.group_type, a.currency,
         b.minor * ('1e-' || c.exponent)::numeric, b.minor
  FROM ledger.accounts AS a
  JOIN ledger.currencies AS c ON c.code = a.currency
  CROSS JOIN live
  LEFT JOIN LATERAL (
    SELECT s.snapshot_date AS day, s.closing_balance FROM ledger.daily_balances AS s
    WHERE s.ledger_id = $1 AND s.account_id = a.id AND s.snapshot_date <= $2 ORDER BY s.snapshot_date DESC LIMIT 1
  ) AS stored ON true
  -- The first live day that is not before the stored one, by halving; where there is none, nothing is looked for. Days in between on
  -- which the account moved would be stored if they were not live, so its newest entry since counts.
  LEFT JOIN LATERAL (
    SELECT e.balance_after FROM ledger.entries AS e
    WHERE e.ledger_id = $1 AND e.account_id = a.id AND e.created_at < live.ends_at
      AND e.created_at >= live.starts[width_bucket(coalesce(stored.day, '-infinity') - 1, live.days) + 1]
    ORDER BY e.created_at DESC, e.version DESC LIMIT 1
  ) AS newest ON true
  CROSS JOIN LATERAL (SELECT coalesce(newest.balance_after, stored.closing_balance, 0)::numeric AS minor) AS b
  WHERE a.ledger_id = $1;
END;
REVOKE EXECUTE ON FUNCTION reports.closing_balances(integer, date) FROM PUBLIC;
COMMENT ON FUNCTION reports.closing_balances(integer, date) IS
  'The balance of every account of a ledger at the end of a day, in the currency''s own units and in minor units; 0 before it first moved';
