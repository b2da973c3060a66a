DROP TABLE ledger.currencies;
DROP TABLE ledger.ledgers;
