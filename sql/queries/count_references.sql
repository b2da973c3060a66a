-- Indexes: transactions_reference_idx
-- How many reference codes begin alike, counted up to a bound from the index alone. The planner is not shown the
-- bounds: it would read the table where it believes that most begin so.
-- $1 ledger, $2 and $3 the prefix and the first text after all that begin with it, $4 the bound
SELECT count(*)::integer AS found
FROM (
  SELECT FROM ledger.transactions AS t
  WHERE t.ledger_id = $1::integer
    AND t.reference_code ~>=~ (SELECT $2::text) AND t.reference_code ~<~ (SELECT $3::text)
  LIMIT $4::integer
) AS counted
