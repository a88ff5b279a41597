-- Boards of charts. `body` is the board as its file would be (docs/EXPLORE.md); title and number of panels stand beside it for lists.
-- A number is never used again, so that what points to a board that is gone points to nothing.
CREATE TABLE boards (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      INTEGER REFERENCES users (id) ON DELETE SET NULL,
    title      TEXT    NOT NULL,
    shared     INTEGER NOT NULL DEFAULT 0,
    -- Grows with each change, so that nobody overwrites what they have not seen.
    version    INTEGER NOT NULL DEFAULT 1,
    panels     INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT    NOT NULL,
    body       TEXT    NOT NULL
) STRICT;

CREATE INDEX boards_of ON boards (owner, changed_ms DESC);
CREATE INDEX boards_shared ON boards (changed_ms DESC) WHERE shared = 1;

-- Farol removes no users. Should somebody do it by hand, what they shared stays and is nobody's; what they did not goes with them.
CREATE TRIGGER boards_of_nobody BEFORE DELETE ON users
BEGIN DELETE FROM boards WHERE owner = OLD.id AND shared = 0; END;

-- The board that a user opens Farol with. It may be gone by now; the user is told then.
CREATE TABLE start_boards (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    board   INTEGER NOT NULL
) STRICT;
