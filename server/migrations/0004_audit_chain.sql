-- The audit log becomes a chain: an entry carries the hash of the one before, and how something ended is an entry of its own
-- (`ends` names the one that it ends). SQL cannot hash, so the program takes the old entries over from `audit_before_chain`
-- and drops that table, in one transaction, before anything else is done with the database.
DROP INDEX audit_run;
DROP TRIGGER audit_is_never_deleted;
DROP TRIGGER audit_is_completed_once;
ALTER TABLE audit RENAME TO audit_before_chain;

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    peer        TEXT    NOT NULL,
    what        TEXT    NOT NULL,
    params      TEXT    NOT NULL,
    run         TEXT,
    ends        INTEGER,
    outcome     TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    duration_ms INTEGER,
    prev        BLOB    NOT NULL CHECK (length(prev) = 32),
    hash        BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_run ON audit (run) WHERE run IS NOT NULL;
-- Nothing ends twice.
CREATE UNIQUE INDEX audit_ends ON audit (ends) WHERE ends IS NOT NULL;
CREATE INDEX audit_time ON audit (at_ms);
CREATE INDEX audit_started ON audit (seq) WHERE outcome = 'started';

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Whoever writes, the chain has one end.
CREATE TRIGGER audit_does_not_fork BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
  OR NEW.prev IS NOT coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'an audit entry follows the last one'); END;

-- How far each target has been told.
CREATE TABLE audit_forward (
    target TEXT    PRIMARY KEY,
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;
