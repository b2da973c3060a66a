CREATE INDEX quarter_events_quarter_idx ON quartermaster.quarter_events (quarter, id);
