DROP TABLE quartermaster.loads;
