-- What happened and when, for charts: deploys and the like, told by people and programs, and what Farol notes itself. At most 10,000
-- told and 2,000 of Farol's own are kept. Numbers are not given twice, so that who removes one never removes another.
CREATE TABLE annotations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    end_ms     INTEGER,
    title      TEXT    NOT NULL,
    tags       TEXT    NOT NULL,
    who        TEXT    NOT NULL,
    -- 1 when Farol noted it itself.
    own        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX annotations_by_time ON annotations (at_ms DESC, id DESC);
