-- When runs began and ended, for charts of the past: so that a chart of one hour does not read all runs that there ever were.
CREATE INDEX runs_by_begin ON runs (started_ms) WHERE started_ms IS NOT NULL;
CREATE INDEX runs_by_end ON runs (ended_ms) WHERE ended_ms IS NOT NULL;
