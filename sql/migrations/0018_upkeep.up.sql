-- What keeps a ledger that has grown fast without anybody looking.

-- What went out of and into the accounts of each kind on each day.
CREATE TABLE ledger.daily_group_totals (
  ledger_id   integer NOT NULL,
  day         date NOT NULL,
  group_type  text NOT NULL,
  currency    text NOT NULL,
  entry_count bigint NOT NULL,
  debits      numeric(38, 0) NOT NULL CHECK (debits >= 0),
  credits     numeric(38, 0) NOT NULL CHECK (credits >= 0),
  PRIMARY KEY (ledger_id, day, group_type, currency)
);

-- Days that are online are counted once more, for the table above. Those of quarters that have left have no rows there.
INSERT INTO quartermaster.summary_marks (ledger_id, day)
SELECT DISTINCT d.ledger_id, d.day
FROM ledger.daily_totals AS d
CROSS JOIN quartermaster.settings AS s
JOIN quartermaster.quarters AS q
  ON d.day >= (q.starts_at AT TIME ZONE s.value)::date AND d.day < (q.ends_at AT TIME ZONE s.value)::date
WHERE s.name = 'timezone' AND q.state IN ('open', 'closed', 'archived');

-- Whose accounts moved most in a quarter: the first hundred of each currency, fixed at close. turnover is debits and credits
-- together, in minor units.
CREATE TABLE ledger.quarter_counterparties (
  ledger_id integer NOT NULL,
  quarter   text NOT NULL CHECK (quarter ~ '^[0-9]{4}q[1-4]$'),
  currency  text NOT NULL,
  rank      integer NOT NULL CHECK (rank BETWEEN 1 AND 100),
  entity_id text NOT NULL,
  debits    numeric(38, 0) NOT NULL CHECK (debits >= 0),
  credits   numeric(38, 0) NOT NULL CHECK (credits >= 0),
  turnover  numeric(38, 0) NOT NULL CHECK (turnover = debits + credits),
  PRIMARY KEY (ledger_id, quarter, currency, rank)
);
INSERT INTO ledger.quarter_counterparties
  (ledger_id, quarter, currency, rank, entity_id, debits, credits, turnover)
SELECT ledger_id, quarter, currency, rank, entity_id, debits, credits, debits + credits
FROM (
  SELECT b.ledger_id, b.quarter, a.currency, a.entity_id, sum(b.debits) AS debits, sum(b.credits) AS credits,
         row_number() OVER (PARTITION BY b.ledger_id, b.quarter, a.currency
                            ORDER BY sum(b.debits) + sum(b.credits) DESC, a.entity_id) AS rank
  FROM ledger.quarter_balances AS b
  JOIN ledger.accounts AS a ON a.ledger_id = b.ledger_id AND a.id = b.account_id
  GROUP BY b.ledger_id, b.quarter, a.currency, a.entity_id
) AS ranked
WHERE rank <= 100;

-- When something that may lag was last brought up to date, and how long that took.
CREATE TABLE quartermaster.refreshes (
  name         text PRIMARY KEY,
  refreshed_at timestamptz NOT NULL,
  seconds      double precision NOT NULL,
  detail       jsonb NOT NULL DEFAULT '{}'
);
