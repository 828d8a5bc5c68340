-- API keys: who may call the daemon. Only the SHA-256 of a key's secret is stored. A row is never deleted: a store
-- that has had a key is never open to everybody again.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 16 AND id NOT GLOB '*[^0-9a-f]*'),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    secret_digest BLOB NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    -- Words separated by blanks, in the order of AccessScope.
    scopes TEXT NOT NULL CHECK (length(scopes) > 0 AND scopes NOT GLOB '*[^a-z: ]*'),
    created_at INTEGER NOT NULL,
    -- The key that made it; NULL when it was made on the data directory itself, or while there were no keys.
    created_by TEXT REFERENCES api_keys (id),
    expires_at INTEGER,
    revoked_at INTEGER,
    -- Written at most once an hour.
    last_used_at INTEGER
) STRICT;

CREATE TRIGGER api_keys_are_not_deleted BEFORE DELETE ON api_keys
BEGIN
    SELECT RAISE(ABORT, 'keys are revoked, not deleted');
END;

CREATE TRIGGER api_keys_are_not_changed
BEFORE UPDATE OF id, name, secret_digest, scopes, created_at, created_by, expires_at ON api_keys
BEGIN
    SELECT RAISE(ABORT, 'a key does not change');
END;

CREATE TRIGGER api_keys_stay_revoked BEFORE UPDATE OF revoked_at ON api_keys WHEN OLD.revoked_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a revoked key stays revoked');
END;

-- Webhook endpoints. The table `events` is the outbox: each endpoint has a place in it, and is sent every matching
-- event after that place, in order.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 35 AND substr(id, 1, 3) = 'wh_'),
    -- Address and signing secret, encrypted under a key derived from the master key.
    target BLOB NOT NULL,
    -- Words separated by blanks: the states whose events are sent.
    states TEXT NOT NULL CHECK (length(states) > 0 AND states NOT GLOB '*[^a-z ]*'),
    created_at INTEGER NOT NULL,
    created_by TEXT REFERENCES api_keys (id),
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    -- The last event that is done with.
    cursor INTEGER NOT NULL CHECK (cursor >= 0),
    -- Failed attempts at the event after it.
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at INTEGER,
    delivered INTEGER NOT NULL DEFAULT 0 CHECK (delivered >= 0),
    last_delivered_at INTEGER,
    -- Why the last attempt failed: a word of a closed set, and the status that was answered.
    failure TEXT CHECK (failure NOT GLOB '*[^a-z_]*'),
    failure_status INTEGER,
    disabled_at INTEGER,
    CHECK ((state = 'disabled') = (disabled_at IS NOT NULL)),
    CHECK (state = 'active' OR failure IS NOT NULL),
    CHECK (next_at IS NULL OR attempts > 0)
) STRICT;
