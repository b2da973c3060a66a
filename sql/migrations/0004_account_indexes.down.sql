DROP INDEX ledger.account_phones_number_idx;
DROP INDEX ledger.accounts_address_key;
