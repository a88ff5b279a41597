-- When health checks changed their state, and why. At most 200 of each are kept.
CREATE TABLE check_changes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    t_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL
);

CREATE INDEX check_changes_by_name ON check_changes (name, id DESC);
