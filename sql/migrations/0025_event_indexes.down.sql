DROP INDEX quartermaster.house_events_at_idx;
DROP INDEX quartermaster.quarter_events_at_idx;
