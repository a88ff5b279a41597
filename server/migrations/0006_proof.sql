-- How people prove who they are, beside their password.

-- The secret is sealed with the key file of the data folder. `last_step` is the newest time step whose code was taken: an older
-- one, or the same again, is refused. Without `confirmed_ms` it is an enrolment under way and asks nothing of anybody.
CREATE TABLE totp (
    user_id      INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       BLOB    NOT NULL,
    created_ms   INTEGER NOT NULL,
    confirmed_ms INTEGER,
    last_step    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Only the SHA-256 of a code is kept: it is 80 random bits, so there is nothing to guess.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB    NOT NULL,
    used_ms INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- `credential` is what webauthn-rs keeps of a passkey, as JSON; it holds public keys only. `rp_id` is the host name that the
-- passkey was made for: browsers offer it there and nowhere else.
CREATE TABLE passkeys (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rp_id         TEXT    NOT NULL,
    credential_id BLOB    NOT NULL UNIQUE,
    credential    TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    created_ms    INTEGER NOT NULL,
    last_used_ms  INTEGER
) STRICT;

CREATE INDEX passkeys_of ON passkeys (user_id);

-- The newest sign-in attempts of each account, good ones and others bounded apart.
CREATE TABLE sign_in_attempts (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at_ms   INTEGER NOT NULL,
    peer    TEXT    NOT NULL,
    agent   TEXT    NOT NULL,
    way     TEXT    NOT NULL,
    outcome TEXT    NOT NULL
) STRICT;

CREATE INDEX sign_in_attempts_of ON sign_in_attempts (user_id, id);

-- Browsers in which somebody has signed in to an account. Only the SHA-256 of the cookie is kept.
CREATE TABLE known_browsers (
    hash         BLOB    PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    last_used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX known_browsers_of ON known_browsers (user_id, last_used_ms);

-- API tokens that may run dangerous actions. Nobody sits behind a token who could prove anything anew.
CREATE TABLE trusted_tokens (
    token_id INTEGER PRIMARY KEY REFERENCES tokens (id) ON DELETE CASCADE,
    since_ms INTEGER NOT NULL
) STRICT;

-- Who a person is to a provider of identities (OpenID Connect), and which account that is here.
CREATE TABLE oidc_subjects (
    issuer     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX oidc_subjects_of ON oidc_subjects (user_id);
