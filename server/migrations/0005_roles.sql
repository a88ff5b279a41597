-- Roles keep their column: a name, built in or of the configuration. One that is not known any more allows nothing.

-- What a token is narrowed to, one grant a line; NULL is all that its user may. A token without an end holds until it is revoked.
ALTER TABLE tokens ADD COLUMN grants TEXT;
ALTER TABLE tokens ADD COLUMN expires_ms INTEGER;

CREATE INDEX tokens_of_user ON tokens (user_id);

-- What people see of a session, beside the session itself. `id` is what they call it by: the name of the session is a secret.
-- A session that was ended here stays as a mark until it could not live any longer, so that a request under way cannot bring
-- it back.
CREATE TABLE signed_in (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    session    TEXT    NOT NULL UNIQUE,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    -- Of the user when it was last seen: with another one it is over.
    generation INTEGER NOT NULL,
    since_ms   INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    device     TEXT    NOT NULL,
    ended_ms   INTEGER
) STRICT;

CREATE INDEX signed_in_of_user ON signed_in (user_id);
CREATE INDEX signed_in_ended ON signed_in (ended_ms) WHERE ended_ms IS NOT NULL;
