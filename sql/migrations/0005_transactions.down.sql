DROP TABLE ledger.idempotency_keys;
DROP TABLE ledger.reversals;
DROP TABLE ledger.reservations;
DROP TABLE ledger.entries;
DROP TABLE ledger.transactions;
