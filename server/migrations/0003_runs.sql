-- One row per run. A key names one run of its user for good: that is what makes a run happen once.
CREATE TABLE runs (
    id        TEXT    PRIMARY KEY,
    user_id   INTEGER NOT NULL,
    who       TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    title     TEXT    NOT NULL,
    params    TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    queued_ms INTEGER NOT NULL,
    ended_ms  INTEGER,
    exit_code INTEGER,
    truncated INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_id, key)
) STRICT;

CREATE INDEX runs_newest ON runs (queued_ms DESC);

CREATE TABLE run_output (
    run    TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    stream TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
