-- Finds an account by its address, and answers "the accounts of this entity" from the index alone.
CREATE UNIQUE INDEX accounts_address_key
  ON ledger.accounts (ledger_id, entity_id, group_type, currency) INCLUDE (id, status, name);

CREATE INDEX account_phones_number_idx ON ledger.account_phones (ledger_id, (country_code || phone_number));
