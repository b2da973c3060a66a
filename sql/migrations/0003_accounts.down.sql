DROP TABLE ledger.balances;
DROP TABLE ledger.account_phones;
DROP TABLE ledger.accounts;
