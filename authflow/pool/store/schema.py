"""The tables of a pool's SQLite file, version by version."""

from typing import Final

_FIRST: Final = """
CREATE TABLE user_pools (
    id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,
    mask_key BLOB NOT NULL,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL
) STRICT;
CREATE TABLE app_clients (
    id TEXT PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES user_pools ON DELETE CASCADE,
    secret TEXT,
    settings TEXT NOT NULL,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL
) STRICT;
CREATE TABLE users (
    sub TEXT PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES user_pools ON DELETE CASCADE,
    username TEXT NOT NULL,
    status TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    salt BLOB NOT NULL,
    verifier BLOB NOT NULL,
    password_expires_at REAL,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
-- Every name that a user signs in by: the username and the aliases, in one space.
CREATE TABLE names (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX names_of_user ON names (sub);
CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    expires_at REAL NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_age ON sessions (expires_at);
CREATE TABLE password_failures (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failed_at REAL NOT NULL,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX password_failures_by_age ON password_failures (failed_at);
-- What one sign-in led to: its refresh tokens come and go, its origin_jti stays.
CREATE TABLE token_families (
    origin_jti TEXT PRIMARY KEY,
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES app_clients ON DELETE CASCADE,
    auth_time INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX token_families_of_user ON token_families (sub);
CREATE INDEX token_families_by_age ON token_families (expires_at);
CREATE TABLE refresh_tokens (
    id BLOB PRIMARY KEY,
    origin_jti TEXT NOT NULL REFERENCES token_families ON DELETE CASCADE,
    replaced_at REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_of_family ON refresh_tokens (origin_jti);
"""
_FORGOTTEN_PASSWORDS: Final = """
-- The owner is a user, or a name that nobody has and the pool pretends to know.
CREATE TABLE reset_codes (
    pool_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    mac BLOB NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (pool_id, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX reset_codes_by_age ON reset_codes (expires_at);
CREATE TABLE reset_attempts (
    pool_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    began_at REAL NOT NULL,
    PRIMARY KEY (pool_id, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX reset_attempts_by_age ON reset_attempts (began_at);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES user_pools ON DELETE CASCADE,
    username TEXT NOT NULL,
    sent_at REAL NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_age ON messages (sent_at);
"""
_GROUPS: Final = """
CREATE TABLE groups (
    pool_id TEXT NOT NULL REFERENCES user_pools ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    role_arn TEXT,
    precedence INTEGER,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (sub, pool_id, name),
    FOREIGN KEY (pool_id, name) REFERENCES groups ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_of_group ON memberships (pool_id, name);
"""
_ENDED_TRUST: Final = """
ALTER TABLE users ADD COLUMN times_disabled INTEGER NOT NULL DEFAULT 0;
-- How many refreshes lie between the sign-in and a token.
ALTER TABLE refresh_tokens ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
"""
_CASE_AS_BEFORE: Final = """
-- Pools that did not say so compared names without letter case: they go on doing it.
UPDATE user_pools
SET settings = '{"UsernameConfiguration": {"CaseSensitive": false}, ' || substr(settings, 2)
WHERE replace(settings, '"UsernameConfiguration": {', '') = settings;
"""
_GUESSES: Final = """
-- One migration of a name is in flight at a time, in all processes.
CREATE TABLE migrations (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    claim TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX migrations_by_end ON migrations (expires_at);
-- What was typed, whoever has the name, or nobody: a keyed hash of it. The oldest go first.
CREATE TABLE typed_failures (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failed_at REAL NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX typed_failures_by_time ON typed_failures (failed_at);
CREATE INDEX typed_failures_in_order ON typed_failures (pool_id, place);
CREATE TABLE typed_resets (
    pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    began_at REAL NOT NULL,
    asked_at REAL,
    place INTEGER NOT NULL,
    PRIMARY KEY (pool_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX typed_resets_by_time ON typed_resets (began_at);
CREATE INDEX typed_resets_in_order ON typed_resets (pool_id, place);
-- Under which name a sign-in began, and in which order. Strangers' have an order of their own.
ALTER TABLE sessions ADD COLUMN name TEXT;
ALTER TABLE sessions ADD COLUMN place INTEGER;
ALTER TABLE sessions ADD COLUMN stranger INTEGER;
CREATE INDEX sessions_of_name ON sessions (name, place);
CREATE INDEX sessions_of_strangers ON sessions (stranger);
"""
_FACTORS: Final = """
-- The second factors of users. Secrets of authenticators are sealed, and a step is accepted once.
ALTER TABLE users ADD COLUMN factors TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN authenticator BLOB;
ALTER TABLE users ADD COLUMN authenticator_name TEXT;
ALTER TABLE users ADD COLUMN authenticator_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN new_authenticator BLOB;
"""
_DEVICES: Final = """
-- Devices that users signed in from. The verifier comes when the device is confirmed.
CREATE TABLE devices (
    key TEXT PRIMARY KEY,
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    group_key TEXT NOT NULL,
    name TEXT,
    status TEXT NOT NULL,
    salt BLOB,
    verifier BLOB,
    address TEXT,
    created_at REAL NOT NULL,
    modified_at REAL NOT NULL,
    authenticated_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_of_user ON devices (sub, created_at);
-- Sign-ins that wait for a proof of a device, by the sealed handles of their sessions.
CREATE TABLE waiting_devices (
    place INTEGER PRIMARY KEY,
    session BLOB NOT NULL UNIQUE REFERENCES sessions ON DELETE CASCADE,
    key TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX waiting_devices_in_order ON waiting_devices (key, client_id, place);
-- The device that a sign-in came from: its tokens are refreshed from there alone.
ALTER TABLE token_families ADD COLUMN device_key TEXT;
"""
_SIGN_UPS: Final = """
-- Codes of every purpose. Those that reset passwords had tables of their own.
CREATE TABLE confirmation_codes (
    pool_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    owner TEXT NOT NULL,
    mac BLOB NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (pool_id, purpose, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_codes_by_age ON confirmation_codes (expires_at);
INSERT INTO confirmation_codes (pool_id, purpose, owner, mac, expires_at)
SELECT pool_id, 'reset', owner, mac, expires_at FROM reset_codes;
DROP TABLE reset_codes;
CREATE TABLE code_attempts (
    pool_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    owner TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    began_at REAL NOT NULL,
    PRIMARY KEY (pool_id, purpose, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX code_attempts_by_age ON code_attempts (began_at);
INSERT INTO code_attempts (pool_id, purpose, owner, attempts, began_at)
SELECT pool_id, 'reset', owner, attempts, began_at FROM reset_attempts;
DROP TABLE reset_attempts;
CREATE TABLE typed_codes (
    pool_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    began_at REAL NOT NULL,
    asked_until REAL,
    place INTEGER NOT NULL,
    PRIMARY KEY (pool_id, purpose, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX typed_codes_by_time ON typed_codes (began_at);
CREATE INDEX typed_codes_in_order ON typed_codes (pool_id, purpose, place);
INSERT INTO typed_codes (pool_id, purpose, name, attempts, began_at, asked_until, place)
SELECT pool_id, 'reset', name, attempts, began_at, asked_at + 3600, place FROM typed_resets;
DROP TABLE typed_resets;
"""
_OWN_ACCOUNTS: Final = """
-- Passwords that were replaced, as many as the pool's policy wants: none is set again.
CREATE TABLE former_passwords (
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    place INTEGER NOT NULL,
    salt BLOB NOT NULL,
    verifier BLOB NOT NULL,
    PRIMARY KEY (sub, place)
) STRICT, WITHOUT ROWID;
-- New addresses that are the users' once they are verified.
CREATE TABLE waiting_addresses (
    sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    attribute TEXT NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (sub, attribute)
) STRICT, WITHOUT ROWID;
"""
_POOL_OWNERS: Final = """
-- Users are listed in the order of their ids.
CREATE INDEX users_of_pool ON users (pool_id, sub);
-- The attributes that AddCustomAttributes defined: their names are custom, whatever they are.
ALTER TABLE user_pools ADD COLUMN custom_attributes TEXT NOT NULL DEFAULT '[]';
-- When an app client got its secret, if not as it was made, and the secret that it had before.
ALTER TABLE app_clients ADD COLUMN secret_created_at REAL;
ALTER TABLE app_clients ADD COLUMN former_secret TEXT;
ALTER TABLE app_clients ADD COLUMN former_secret_created_at REAL;
-- Import jobs, and the files that they read, in parts of one size.
CREATE TABLE import_jobs (
    id TEXT PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES user_pools ON DELETE CASCADE,
    name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    imported INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    upload TEXT,
    size INTEGER NOT NULL DEFAULT 0,
    read_bytes INTEGER NOT NULL DEFAULT 0,
    read_lines INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    started_at REAL,
    completed_at REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX import_jobs_of_pool ON import_jobs (pool_id, created_at, id);
CREATE INDEX import_jobs_by_status ON import_jobs (status);
CREATE TABLE import_parts (
    job_id TEXT NOT NULL REFERENCES import_jobs ON DELETE CASCADE,
    upload TEXT NOT NULL,
    part INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (job_id, upload, part)
) STRICT;
"""
SCHEMA: Final = (
    _FIRST,
    _FORGOTTEN_PASSWORDS + _GROUPS,
    _ENDED_TRUST + _CASE_AS_BEFORE + _GUESSES,
    _FACTORS + _DEVICES + _SIGN_UPS + _OWN_ACCOUNTS + _POOL_OWNERS,
)
"""The statements of each version; a file's `user_version` is the number of versions it has.

Each statement ends in its only semicolon: they are run one by one, in one transaction.
"""
