-- For the story of all quarters together, newest first, which is told with that of the house page by page.
CREATE INDEX quarter_events_at_idx ON quartermaster.quarter_events (at, id);
