DROP INDEX quartermaster.quarter_events_at_idx;
