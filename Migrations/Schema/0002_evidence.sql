-- Evidence: the audit log, the keys that sign, and the certificates.

-- Every transition, publication, purge, rollback and key event, each entry with the hash of the one before.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    -- Canonical JSON: sorted keys, no white space. Its `previous` is the hash of the entry before.
    entry TEXT NOT NULL,
    -- SHA-256 of `entry`.
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is appended to, one entry after the other');
END;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- The public half of every Ed25519 key that has signed here.
CREATE TABLE signing_keys (
    -- The first eight bytes of the SHA-256 of the public key, in hexadecimal.
    key_id TEXT NOT NULL PRIMARY KEY CHECK (length(key_id) = 16 AND key_id NOT GLOB '*[^0-9a-f]*'),
    public_key BLOB NOT NULL UNIQUE CHECK (length(public_key) = 32),
    added_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER signing_keys_are_not_changed BEFORE UPDATE ON signing_keys
BEGIN
    SELECT RAISE(ABORT, 'signing keys are append-only');
END;

CREATE TRIGGER signing_keys_are_not_deleted BEFORE DELETE ON signing_keys
BEGIN
    SELECT RAISE(ABORT, 'signing keys are append-only');
END;

-- Signatures over the audit log up to an entry.
CREATE TABLE audit_heads (
    sequence INTEGER NOT NULL PRIMARY KEY REFERENCES audit (sequence),
    key_id TEXT NOT NULL REFERENCES signing_keys (key_id),
    -- A DSSE envelope.
    envelope TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_heads_are_not_changed BEFORE UPDATE ON audit_heads
BEGIN
    SELECT RAISE(ABORT, 'signed heads are append-only');
END;

CREATE TRIGGER audit_heads_are_not_deleted BEFORE DELETE ON audit_heads
BEGIN
    SELECT RAISE(ABORT, 'signed heads are append-only');
END;

-- Deletion certificates. The last one of a request is the one in force while the request is applied or purged.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES requests (id),
    occasion TEXT NOT NULL CHECK (occasion IN ('applied', 'purged')),
    -- The entry of the audit log that it attests.
    audit_sequence INTEGER NOT NULL REFERENCES audit (sequence),
    issued_at INTEGER NOT NULL,
    key_id TEXT NOT NULL REFERENCES signing_keys (key_id),
    -- A DSSE envelope with an in-toto statement.
    envelope TEXT NOT NULL,
    UNIQUE (request_id, audit_sequence)
) STRICT;

CREATE TRIGGER certificates_are_not_changed BEFORE UPDATE ON certificates
BEGIN
    SELECT RAISE(ABORT, 'certificates are append-only');
END;

CREATE TRIGGER certificates_are_not_deleted BEFORE DELETE ON certificates
BEGIN
    SELECT RAISE(ABORT, 'certificates are append-only');
END;

-- A check that is not passed sends a request back to be updated again, stronger.
DROP TRIGGER requests_transition;

CREATE TRIGGER requests_transition BEFORE UPDATE OF state ON requests
WHEN OLD.state <> NEW.state AND OLD.state || '>' || NEW.state NOT IN (
    'queued>running', 'queued>cancelled',
    'running>queued', 'running>verifying', 'running>applied', 'running>cancelled', 'running>failed',
    'running>retryable',
    'verifying>running', 'verifying>queued', 'verifying>applied', 'verifying>cancelled', 'verifying>failed',
    'verifying>retryable',
    'retryable>queued', 'retryable>cancelled',
    'failed>queued',
    'applied>purged', 'applied>failed')
BEGIN
    SELECT RAISE(ABORT, 'the request cannot change state this way');
END;
