DROP TABLE quartermaster.api_keys;
