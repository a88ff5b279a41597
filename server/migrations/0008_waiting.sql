-- What a restart has to know of a run that waits for approval: for whom it is (by which API token it was asked for, or whether nobody
-- asked because a schedule did), and what would run, as a digest, so that nothing else runs in its place.
ALTER TABLE runs ADD COLUMN token INTEGER;
ALTER TABLE runs ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN would_run TEXT NOT NULL DEFAULT '';
