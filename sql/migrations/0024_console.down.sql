DROP TABLE quartermaster.house_events;
DROP TABLE quartermaster.sessions;
