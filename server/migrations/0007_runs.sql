-- What is known of a run beside its state: when its action began and as which process (pid and start, ticks since boot), who
-- approved or denied it and until when that was possible, how much output is kept, and whether it was removed to make room.
ALTER TABLE runs ADD COLUMN started_ms INTEGER;
ALTER TABLE runs ADD COLUMN pid INTEGER;
ALTER TABLE runs ADD COLUMN pid_start INTEGER;
ALTER TABLE runs ADD COLUMN approver TEXT;
ALTER TABLE runs ADD COLUMN approve_by_ms INTEGER;
ALTER TABLE runs ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN output_gone INTEGER NOT NULL DEFAULT 0;

UPDATE runs SET output_bytes = (SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) FROM run_output WHERE run = runs.id);

CREATE INDEX runs_by_status ON runs (status, queued_ms DESC);
