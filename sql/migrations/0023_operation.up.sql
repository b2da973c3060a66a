-- How each job last ended, kept longer than the queue remembers its runs and longer than a worker lives: by it a
-- schedule that has fallen silent is noticed.
CREATE TABLE quartermaster.job_outcomes (
  job_name     text PRIMARY KEY,
  succeeded_at timestamptz,
  failed_at    timestamptz,
  -- The code of the last failure.
  failure      text,
  CHECK (succeeded_at IS NOT NULL OR failed_at IS NOT NULL),
  CHECK ((failed_at IS NULL) = (failure IS NULL))
);

-- Figures that are too dear to be read for a page of metrics: the job that finds them leaves them here.
CREATE TABLE quartermaster.measurements (
  metric      text NOT NULL,
  label       text NOT NULL DEFAULT '',
  value       double precision NOT NULL,
  measured_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (metric, label)
);
