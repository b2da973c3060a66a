-- Indexes: account_phones_number_idx, accounts_pkey
-- The accounts of a phone: account_phones_number_idx finds them by the expression it holds, and each is then read by
-- its key. IN, for two ways to cut one number into country code and number are one account twice.
-- $1 ledger, $2 country code and number in one, $3 at most so many
SELECT a.id, a.entity_id, a.group_type, a.currency, a.name, a.status
FROM ledger.accounts AS a
WHERE a.ledger_id = $1::integer
  AND a.id IN (
    SELECT p.account_id
    FROM ledger.account_phones AS p
    WHERE p.ledger_id = $1::integer AND p.country_code || p.phone_number = $2::text
  )
ORDER BY a.entity_id, a.group_type, a.currency
LIMIT $3::integer
