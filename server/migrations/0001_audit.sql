-- Append-only: an entry is written before the action starts, and completed once.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms       INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    peer        TEXT    NOT NULL,
    what        TEXT    NOT NULL,
    params      TEXT    NOT NULL,
    run         TEXT,
    outcome     TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    duration_ms INTEGER
) STRICT;

CREATE INDEX audit_run ON audit (run) WHERE run IS NOT NULL;

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_is_completed_once BEFORE UPDATE ON audit
WHEN OLD.outcome <> 'started'
  OR NEW.id <> OLD.id OR NEW.at_ms <> OLD.at_ms OR NEW.who <> OLD.who OR NEW.peer <> OLD.peer
  OR NEW.what <> OLD.what OR NEW.params <> OLD.params OR NEW.run IS NOT OLD.run
BEGIN SELECT RAISE(ABORT, 'an audit entry is completed once and otherwise never changed'); END;
