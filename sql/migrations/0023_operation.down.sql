DROP TABLE quartermaster.measurements;
DROP TABLE quartermaster.job_outcomes;
