-- For the stories of all quarters and of the house together, newest first, which are told page by page.
CREATE INDEX quarter_events_at_idx ON quartermaster.quarter_events (at, id);
CREATE INDEX house_events_at_idx ON quartermaster.house_events (at, id);
