DROP TABLE quartermaster.archive_files;
DROP TABLE quartermaster.archives;
DROP TABLE quartermaster.quarter_events;
DROP TABLE quartermaster.quarters;
