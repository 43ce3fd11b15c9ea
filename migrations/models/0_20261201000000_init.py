"""All tables, as they are at the beginning.

Names and constraints that models cannot say are listed in `app/foundation/database/orm.py`. `calls` is partitioned by
month of the id (a UUIDv7, which begins with its time), with a default partition for what no month is there for.

`call_accounts`, `stored_credentials`, `calls` and `call_keys` can be distributed by account: it is in each of their keys.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

TABLES = """
CREATE TABLE IF NOT EXISTS service_providers (
    id UUID NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    active BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS service_providers_name_unique ON service_providers (name_key);

CREATE TABLE IF NOT EXISTS accounts (
    id UUID NOT NULL PRIMARY KEY,
    service_provider_id UUID NOT NULL REFERENCES service_providers (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    active BOOL NOT NULL,
    usage_unit VARCHAR(8) NOT NULL,
    usage_maximum INT NOT NULL,
    licensed_sessions INT NOT NULL,
    sip_realm VARCHAR(132),
    webhook_secret BYTEA NOT NULL,
    previous_webhook_secret BYTEA,
    previous_webhook_secret_expires_at TIMESTAMPTZ,
    registration_webhook_url VARCHAR(2048),
    registration_webhook_method VARCHAR(4),
    registration_webhook_username VARCHAR(255),
    registration_webhook_password BYTEA,
    queue_event_webhook_url VARCHAR(2048),
    queue_event_webhook_username VARCHAR(255),
    queue_event_webhook_password BYTEA,
    device_calling_application_id UUID,
    siprec_application_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT accounts_limits_check CHECK (usage_maximum >= 0 AND licensed_sessions >= 0),
    CONSTRAINT accounts_previous_webhook_secret_check CHECK (
        (previous_webhook_secret IS NULL) = (previous_webhook_secret_expires_at IS NULL)
    ),
    CONSTRAINT accounts_registration_webhook_check CHECK (
        (registration_webhook_url IS NULL) = (registration_webhook_method IS NULL)
        AND (registration_webhook_method IS NULL OR registration_webhook_method IN ('GET', 'POST'))
        AND (registration_webhook_username IS NULL) = (registration_webhook_password IS NULL)
        AND (registration_webhook_username IS NULL OR registration_webhook_url IS NOT NULL)
    ),
    CONSTRAINT accounts_queue_event_webhook_check CHECK (
        (queue_event_webhook_username IS NULL) = (queue_event_webhook_password IS NULL)
        AND (queue_event_webhook_username IS NULL OR queue_event_webhook_url IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_name_unique ON accounts (service_provider_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_sip_realm_unique ON accounts (sip_realm);
CREATE INDEX IF NOT EXISTS accounts_by_name ON accounts (name_key, id);
CREATE INDEX IF NOT EXISTS accounts_by_provider ON accounts (service_provider_id, id);
CREATE INDEX IF NOT EXISTS accounts_suspended ON accounts (id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_by_name ON accounts (name_key, id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_of_provider ON accounts (service_provider_id, id) WHERE NOT active;
CREATE INDEX IF NOT EXISTS accounts_suspended_of_provider_by_name ON accounts (service_provider_id, name_key, id)
    WHERE NOT active;

CREATE TABLE IF NOT EXISTS api_keys (
    id UUID NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    access_level VARCHAR(16) NOT NULL,
    service_provider_id UUID REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id UUID REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    public_id VARCHAR(16) NOT NULL,
    secret_hash BYTEA NOT NULL,
    previous_secret_hash BYTEA,
    previous_secret_expires_at TIMESTAMPTZ,
    previous_secret_last_used_at TIMESTAMPTZ,
    rotated_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    created_by_scope VARCHAR(16),
    created_by_key_id UUID,
    created_by_user_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT api_keys_owner_check CHECK (
        (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
        OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
        OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_public_id_unique ON api_keys (public_id);
CREATE INDEX IF NOT EXISTS api_keys_by_account ON api_keys (account_id, id);
CREATE INDEX IF NOT EXISTS api_keys_by_provider ON api_keys (service_provider_id, id);
CREATE INDEX IF NOT EXISTS api_keys_of_installation ON api_keys (id) WHERE scope = 'ADMIN';

CREATE TABLE IF NOT EXISTS recording_configs (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    enabled BOOL NOT NULL,
    audio_format VARCHAR(8) NOT NULL,
    bucket_vendor VARCHAR(16),
    endpoint_url VARCHAR(2048),
    bucket_name VARCHAR(63),
    region VARCHAR(64),
    access_key_id VARCHAR(256),
    secret_access_key BYTEA,
    secret_access_key_set_at TIMESTAMPTZ,
    s3_tags JSONB NOT NULL,
    record_all_calls BOOL NOT NULL,
    fingerprint VARCHAR(32) NOT NULL,
    storage_status VARCHAR(16) NOT NULL,
    storage_status_since TIMESTAMPTZ NOT NULL,
    last_verification JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT recording_configs_keys_check CHECK (
        (access_key_id IS NULL) = (secret_access_key IS NULL)
        AND (secret_access_key IS NULL) = (secret_access_key_set_at IS NULL)
    ),
    CONSTRAINT recording_configs_enabled_check CHECK (
        NOT enabled OR (
            bucket_vendor IS NOT NULL AND bucket_name IS NOT NULL AND region IS NOT NULL AND secret_access_key IS NOT NULL
            AND (bucket_vendor <> 'S3_COMPATIBLE' OR endpoint_url IS NOT NULL)
        )
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS recording_configs_account_unique ON recording_configs (account_id);
CREATE INDEX IF NOT EXISTS recording_configs_enabled ON recording_configs (account_id) WHERE enabled;
CREATE INDEX IF NOT EXISTS recording_configs_by_status ON recording_configs (storage_status, account_id);

CREATE TABLE IF NOT EXISTS audit_events (
    id UUID NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    scope VARCHAR(16),
    key_id UUID,
    user_id UUID,
    operation VARCHAR(64) NOT NULL,
    object_kind VARCHAR(2),
    object_id UUID,
    account_id UUID,
    service_provider_id UUID,
    former_service_provider_id UUID,
    before JSONB,
    after JSONB,
    request_id VARCHAR(64),
    address VARCHAR(64)
);
CREATE INDEX IF NOT EXISTS audit_events_of_account ON audit_events (account_id, id);
CREATE INDEX IF NOT EXISTS audit_events_of_provider ON audit_events (service_provider_id, id);
CREATE INDEX IF NOT EXISTS audit_events_of_former_provider ON audit_events (former_service_provider_id, id)
    WHERE former_service_provider_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_events_of_object ON audit_events (object_id, id);
CREATE INDEX IF NOT EXISTS audit_events_by_time ON audit_events (at);

CREATE TABLE IF NOT EXISTS audit_prunings (
    id UUID NOT NULL PRIMARY KEY,
    until TIMESTAMPTZ NOT NULL
);

CREATE TABLE IF NOT EXISTS idempotency_records (
    id UUID NOT NULL PRIMARY KEY,
    actor_id UUID NOT NULL,
    operation VARCHAR(64) NOT NULL,
    key VARCHAR(255) NOT NULL,
    input_hash BYTEA NOT NULL,
    made_id UUID,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS idempotency_records_key_unique ON idempotency_records (actor_id, operation, key);
CREATE INDEX IF NOT EXISTS idempotency_records_by_time ON idempotency_records (created_at);

CREATE TABLE IF NOT EXISTS applications (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    name VARCHAR(64) NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    calling_webhook_url VARCHAR(2048) NOT NULL,
    calling_webhook_method VARCHAR(4) NOT NULL,
    calling_webhook_username VARCHAR(255),
    calling_webhook_password BYTEA,
    call_status_webhook_url VARCHAR(2048),
    call_status_webhook_method VARCHAR(4),
    call_status_webhook_username VARCHAR(255),
    call_status_webhook_password BYTEA,
    record_all_calls BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT applications_webhooks_check CHECK (
        (calling_webhook_username IS NULL) = (calling_webhook_password IS NULL)
        AND (call_status_webhook_url IS NULL) = (call_status_webhook_method IS NULL)
        AND (call_status_webhook_username IS NULL) = (call_status_webhook_password IS NULL)
        AND (call_status_webhook_url IS NOT NULL OR call_status_webhook_username IS NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS applications_name_unique ON applications (account_id, name_key);
CREATE UNIQUE INDEX IF NOT EXISTS applications_id_account_unique ON applications (id, account_id);
CREATE INDEX IF NOT EXISTS applications_by_account ON applications (account_id, id);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    kind VARCHAR(16) NOT NULL,
    method VARCHAR(4) NOT NULL,
    url TEXT NOT NULL,
    request_headers JSONB NOT NULL,
    request_body TEXT NOT NULL,
    status INT,
    duration_ms INT NOT NULL,
    reply TEXT,
    reply_truncated BOOL NOT NULL,
    reason TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_account ON webhook_deliveries (account_id, id);

CREATE TABLE IF NOT EXISTS users (
    id UUID NOT NULL PRIMARY KEY,
    scope VARCHAR(16) NOT NULL,
    service_provider_id UUID REFERENCES service_providers (id) ON DELETE RESTRICT,
    account_id UUID REFERENCES accounts (id) ON DELETE RESTRICT,
    email VARCHAR(254) NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    name VARCHAR(64) NOT NULL,
    password_hash TEXT NOT NULL,
    password_set_at TIMESTAMPTZ NOT NULL,
    must_change_password BOOL NOT NULL,
    active BOOL NOT NULL,
    last_login_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL,
    CONSTRAINT users_owner_check CHECK (
        (scope = 'ADMIN' AND service_provider_id IS NULL AND account_id IS NULL)
        OR (scope = 'SERVICE_PROVIDER' AND service_provider_id IS NOT NULL AND account_id IS NULL)
        OR (scope = 'ACCOUNT' AND service_provider_id IS NULL AND account_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_unique ON users (email_key);
CREATE INDEX IF NOT EXISTS users_by_account ON users (account_id, id);
CREATE INDEX IF NOT EXISTS users_by_provider ON users (service_provider_id, id);
CREATE INDEX IF NOT EXISTS users_of_installation ON users (id) WHERE scope = 'ADMIN';

CREATE TABLE IF NOT EXISTS sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    public_id VARCHAR(16) NOT NULL,
    secret_hash BYTEA NOT NULL,
    user_agent VARCHAR(256) NOT NULL,
    address VARCHAR(64) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_public_id_unique ON sessions (public_id);
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id, id);

CREATE TABLE IF NOT EXISTS login_failures (
    id UUID NOT NULL PRIMARY KEY,
    subject BYTEA NOT NULL,
    network VARCHAR(64) NOT NULL,
    tried_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS login_failures_by_subject ON login_failures (subject, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_network ON login_failures (network, tried_at);
CREATE INDEX IF NOT EXISTS login_failures_by_time ON login_failures (tried_at);

CREATE TABLE IF NOT EXISTS password_policies (
    id UUID NOT NULL PRIMARY KEY,
    minimum_length INT NOT NULL,
    needs_digit BOOL NOT NULL,
    needs_symbol BOOL NOT NULL,
    refuses_common BOOL NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INT NOT NULL
);

CREATE TABLE IF NOT EXISTS call_accounts (
    id UUID NOT NULL PRIMARY KEY,
    service_provider_id UUID NOT NULL,
    newest_month UUID,
    CONSTRAINT call_accounts_account_fk FOREIGN KEY (id) REFERENCES accounts (id) ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS call_accounts_by_provider ON call_accounts (service_provider_id, newest_month, id);

CREATE TABLE IF NOT EXISTS stored_credentials (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    vendor VARCHAR(16) NOT NULL,
    endpoint_url VARCHAR(2048),
    access_key_id VARCHAR(256) NOT NULL,
    secret_access_key BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_fingerprint_unique ON stored_credentials (account_id, fingerprint);
CREATE INDEX IF NOT EXISTS stored_credentials_by_id ON stored_credentials (id);

CREATE TABLE IF NOT EXISTS calls (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    application_id UUID,
    gateway_call_id VARCHAR(128) NOT NULL,
    direction VARCHAR(8),
    from_number VARCHAR(255) COLLATE "C",
    to_number VARCHAR(255) COLLATE "C",
    started_at TIMESTAMPTZ NOT NULL,
    answered_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    sip_status INT,
    termination_reason VARCHAR(255),
    trunk VARCHAR(255),
    trace_id VARCHAR(128),
    recording_state VARCHAR(16) NOT NULL,
    recording_format VARCHAR(8),
    recording_size_bytes BIGINT,
    recording_duration_ms BIGINT,
    recording_vendor VARCHAR(16),
    recording_endpoint_url VARCHAR(2048),
    recording_bucket VARCHAR(63),
    recording_region VARCHAR(64),
    recording_key VARCHAR(64),
    recording_credential_id UUID,
    recording_error JSONB,
    recording_attempts INT NOT NULL,
    start_reported BOOL NOT NULL DEFAULT FALSE,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT calls_recording_check CHECK (
        (recording_state = 'NONE') = (recording_key IS NULL)
        AND (recording_key IS NULL) = (recording_bucket IS NULL)
        AND (recording_key IS NULL) = (recording_region IS NULL)
        AND (recording_key IS NULL) = (recording_vendor IS NULL)
        AND (recording_key IS NULL) = (recording_format IS NULL)
        AND (recording_state <> 'STORED' OR recording_size_bytes IS NOT NULL AND recording_duration_ms IS NOT NULL)
        AND (recording_state <> 'FAILED' OR recording_error IS NOT NULL)
    ),
    CONSTRAINT calls_recording_credential_fk FOREIGN KEY (account_id, recording_credential_id)
        REFERENCES stored_credentials (account_id, id) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS call_keys (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES call_accounts (id) ON DELETE RESTRICT,
    gateway_call_id VARCHAR(128) NOT NULL,
    PRIMARY KEY (account_id, gateway_call_id)
);
CREATE INDEX IF NOT EXISTS call_keys_by_id ON call_keys (id);
CREATE INDEX IF NOT EXISTS calls_by_id ON calls USING hash (id);
CREATE INDEX IF NOT EXISTS calls_by_gateway_call_id ON calls USING hash (gateway_call_id);
CREATE INDEX IF NOT EXISTS calls_walked ON calls (id) WHERE recording_attempts >= 0;
CREATE INDEX IF NOT EXISTS calls_by_application ON calls (account_id, application_id, id)
    WHERE application_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_by_from ON calls (account_id, from_number, id);
CREATE INDEX IF NOT EXISTS calls_by_to ON calls (account_id, to_number, id);
CREATE INDEX IF NOT EXISTS calls_recorded ON calls (account_id, id) WHERE recording_state <> 'NONE';
CREATE INDEX IF NOT EXISTS calls_underway ON calls (account_id, id) WHERE recording_state IN ('RECORDING', 'STORING');
CREATE INDEX IF NOT EXISTS calls_by_credential ON calls (account_id, recording_credential_id)
    WHERE recording_credential_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS calls_default PARTITION OF calls DEFAULT;

CREATE TABLE IF NOT EXISTS key_checks (
    id UUID NOT NULL PRIMARY KEY,
    name VARCHAR(48) NOT NULL,
    check_hash BYTEA NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS key_checks_name_unique ON key_checks (name);

CREATE TABLE IF NOT EXISTS aerich (
    id SERIAL NOT NULL PRIMARY KEY,
    version VARCHAR(255) NOT NULL,
    app VARCHAR(100) NOT NULL,
    content JSONB NOT NULL
);

ALTER TABLE accounts
    DROP CONSTRAINT IF EXISTS accounts_device_calling_application_fk,
    ADD CONSTRAINT accounts_device_calling_application_fk FOREIGN KEY (device_calling_application_id, id)
        REFERENCES applications (id, account_id) ON DELETE RESTRICT,
    DROP CONSTRAINT IF EXISTS accounts_siprec_application_fk,
    ADD CONSTRAINT accounts_siprec_application_fk FOREIGN KEY (siprec_application_id, id)
        REFERENCES applications (id, account_id) ON DELETE RESTRICT
"""
TRIGGERS = [
    # An account's row in call_accounts is made, moved and deleted with it. As long as it has calls, it cannot be deleted.
    """
CREATE OR REPLACE FUNCTION call_accounts_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO call_accounts (id, service_provider_id) VALUES (new.id, new.service_provider_id);
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE call_accounts SET service_provider_id = new.service_provider_id WHERE id = new.id;
    ELSE
        DELETE FROM call_accounts WHERE id = old.id;
    END IF;
    RETURN old;
END $$
    """,
    """
CREATE OR REPLACE TRIGGER call_accounts_follow AFTER INSERT OR UPDATE OF service_provider_id ON accounts
FOR EACH ROW EXECUTE FUNCTION call_accounts_follow()
    """,
    """
CREATE OR REPLACE TRIGGER call_accounts_go BEFORE DELETE ON accounts
FOR EACH ROW EXECUTE FUNCTION call_accounts_follow()
    """,
    # Nothing changes an audit event, and it is deleted only when a pruning says so.
    """
CREATE OR REPLACE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM audit_prunings WHERE old.at < until) THEN
            RETURN old;
        END IF;
        RAISE EXCEPTION 'audit events are kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RAISE EXCEPTION 'audit events are never changed' USING ERRCODE = 'restrict_violation';
END $$
    """,
    """
CREATE OR REPLACE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_stay()
    """,
    """
CREATE OR REPLACE TRIGGER audit_events_are_kept BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()
    """,
]


async def upgrade(db: BaseDBAsyncClient) -> str:
    return ";\n".join([TABLES, *TRIGGERS])


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise NotImplementedError("restore a backup")


MODELS_STATE = (
    "eJztXXtz2ziS/yoo/ZPMlUab2Hmdc3VViq1ktHFsryUnM3u6omgSlrCmQA1B2tHO5bsfGi"
    "AlvkVSD1MMUhVZItEA2Y1Ho/vXjb9aM9vEFusMsPNADHzl2A/ExE7rBP3VovoM8y9ZRdqo"
    "pc/nqwJwwdVvLUHDZGFt7pcWd/Vb5jq64fICd7rFML9kYmY4ZO4SmwLZGNrU7vFijAhD7h"
    "Qjajsz3SL/xiaCe/ya7oobHiV/ehgZNoVKCXX519lcdzB7jxjGaMwf7m93tkdNHWr/G1Cz"
    "znwx7sCjmLbByQid7LVVSa259gTzyoDL//O//DKhJv6OWfBzfq/dEWyZESEQEyoQ1zV3MR"
    "fXbm76Zx9FSXijW82wLW9GV6XnC3dq02VxzyNmB2jg3gRT7OguNkPCoJ5l+QIMLskn5hdc"
    "x8PLRzVXF0x8p3sWiLT1X3ceNeCtEWdCZ8WEDu8A1CX82R3WofhRI+Z/+08cota0i8uhNu"
    "gNNa2V6BjwZDGp+ZdWkgD+/fVD1rvik7jaggZOf+tePz9+84vgjM3ciSNuCi62fghC3dUl"
    "qZDFivnib4L9p1PdSWd/UD4mAP6gVVgfXFjxfjV6AvYFDNoBS1sz/btmYTpxp/znm1c5LP"
    "7avRZcfvNKcNnmg11OBxf+nSNxC5gdZS4MviSDh/i7m83ggKYRTM5h6rD3+xBqnjH2pxVm"
    "5vMv3d8Fn2cL/8755cWnoHiI+afnlx9iTOezMHlI6dMfbNvCOk3n+oooxvNbTrUrpgfzzH"
    "6Z/uHy8jzC9A/9OFdvvnzoXT9/KSTACxFXXO5fDGOsNhwMLNF0N8nuM37HJTOczu8oZYzn"
    "pk/aCb4cYK9v8Rc0L6m18OWcNwr6X3qDYffLVUQqZ91hD+4cRYZBcPX5m9g0tKwEfesPf0"
    "PwE/3z8qIXXxKW5Yb/bMEz6Z5ra9R+1HQztPQFVwOuRaTuzc2KUo9SKqnXReoBj0Ji959+"
    "JfUHruIANxIi79OMlSxEERM1Z9euhPtyV5KdwBP8evTy1dtX747fvHrHi4inXF55myNsOX"
    "WCBnx3H1LD4MKtbtw/6o6pRe6ElzODq5suS1nQfMqPn6+xJdTRFFb7O5yurOUAh9SPoFsF"
    "V9M6pz4noDNtyqQ5+SwVrzU88mfJg2KRx/ytanX+3DBcRAE9FO7A6LOP7KzxmLw1O5rFr+"
    "hUn4hXgrahpdh4SzE2hIZitpEhPOrX2xYGmOtTLkM6NdFcZ+zRdkz+y8EIU8NZzLmo0PP4"
    "/t2/BbtYvon/pYO6aOwx/joa3xWRmTcbI/sOvUAzrjQz5FGLzLgiaCZtDHttfURH9PS33u"
    "nnkKGCIZdgYcOYO/iB2B5Dj/h2atv3iIlnQ66NCC+Gv8+Js2gjPbj/jFfNO7VvCZGFgldo"
    "ixe6td1pcOfm+lzZOpSt4zC34crWoWwdytZR3dYhFyf+zim7XphCetSbCX73+cPp1MDJ3W"
    "+khv3199YNNHzD2+0MeoNB//JiUHLebgV0Jyj4NqJf+hc3wx6/5H+J6wVFpqF3BWahd5mT"
    "0Lv4HBRRIErsVBN0+9uvvtjVdL+F/WqYtRYxMGXY1BhmsKtP2UpksjeVVrE4zmJG5pqDdS"
    "ul52brKBGiSnNKzbZr0Qni5fFRgSmCl8qcJMS9KKN95V+Tm4OU1ZNQ3Vmk8ztJG19EFy5m"
    "zVJdPoDiEV5FOXM/9C+613+k6y5B+bB6/uGPYa8bk0OwW9M2EUhOJRUlU7MBUR/BaGL/jF"
    "kFy3+xGrfgETgc4dXcAZD0+zh4QuDdgAdLOXqOVWa5yqujeavX0YtXRTRcKJa5fsmbP9ZL"
    "YoY5+1LMS8U2J2uqrLFsWp96wxPEP0b06nLAv8Jnlc1IEZNItkUkYRBJ7+oMO2XNUGsrqr"
    "Fwqg6c16+LjJvXr7OHDdwrIJDA2ltO6VhblVI9Kqoe/L09rOEHTN2qa0xOFQ0cKTtaYlKZ"
    "WGHyWldPAyWyi7krjY3Vpq51NamZq+LMZWIBCzd0y+JPpunzuUUMuUKU8/qtrWgDh+DhiG"
    "mtny9iOHOwsQHHMytQnFaAz2ZD/xTg82eUugJ87t+7EwsbK7tEpZNvExt0sCtUAlebzfUk"
    "yz/aDiYT+hkvEgaydBRkSrDgYXI6gYjklx39cYlay+pznCWcEVgCJa75NHPdP+W9vRCYWe"
    "F0FU53E+5wNZ3vU2FbxMvdkcmGnLoOqjsVtTVoLKc6vPk7E75IE7wh277J+s5kdUVG4kGy"
    "LbQf3HjGWtbUJGbtFEEvJ/k0AP1y+s/Bz4cWmvX4+S6KQ8oBUc7QmBn2HI8B/w3ocvuRiw"
    "1JnYzxB7YpRne2g7pnX/oXbYS/80ashYCK86LiliADkDgSVbEken6PbQN2vnvn8gs6cmxX"
    "dEc0XrrmfZf8VGdTkS1ANwwswPsedYmVLLjy3Y87aBxs8G8X2n+MBfqf2vAYoFwhEEV7RG"
    "+xofP1DZ5sgWzPhelDPKYgth2Frj9gdL3oZFXdz0viOsPAW2KwncgxN6KD3vXX/mlPu7q+"
    "/No/610DODZ6hQ+309PLm4shp5FfqvilX74pAoGLWwpCCLg3cW8CjGzGeAsPOMOztl5i8T"
    "pqLbiPN+fnJwg+R/S61z3TLi/O/zhBy68j+qk77H3r8mv+l3oISkWs7DBiZe7dcqUs1Q6T"
    "zeEIUQPZvP0+HFIrynkqY4QKZ9veFM5ZWRRZNShn8ZZEsgVkrULU1tzDknSsxWVn6cwFdE"
    "wVV9u6ulRPqHNPENvxSnKPUiop11nK1Wd5NasfjpT5RGzfVxvLEUol5TpLeZO1Wq3NhyTp"
    "kGV7IxtnWj01hj83xtoZ4vs9XpTE3aQSK1hoJocBvlCdxSFqxWMFvW02CFNBb39GqSvo7d"
    "6ht34yxZLLUpRKLUc1hzM3hst1RzPXk9FbBjOnTB9bYHbxLMwHyuTonFkaKL5LPOG5PSH0"
    "o04sz8GtFFRh5H47D1toQUntThYtjDCE8thEtoPmmALkGOmui2dzOGaHs4zful2gsazbnT"
    "q261oYUuO20eOUGFP06BAXM0RcdIsBVifz3fqBuwDXM6bYuE/Lz7vHtgFhyEcF0pGorI3G"
    "zLv9FzZcCSgEHCBvDLzHkN0XasG/zvjDIa4bcV4y9HyO7bmF0YzwsXSPuXaHYAyF8goDJh"
    "D/IpPzjil2+dX7MVwdUcMimLrPGPIvd5B8FpMww7JZcOIRXPObE0BEwCqmPRoE4GLnGZPY"
    "S9li5DoxFWDxkAGLsmsmJZALSlkRKUBKuyL6wR+f6YbUDGTbiqSBqKvtg9t465XMBmG6Bh"
    "oNDtdIIG1Dic3B0yhTV/5yfGVbxEgN0oiVyFWogsVdm0NhUlSnGvK1mIDObcnwm2er3P1I"
    "1LQ4QRAm4diPbVj0RcyEjGWAZdzvW/KkgjviMK4NTXU6SVOhdttUsxWIF/6/X8XHW/h4F/"
    "z0/708LMVhRigkig6m74QAMq10ScI9GusOJQ0yxdhkmkkmaZnWcxPbxyj3mN1+eeVg09tL"
    "3rHF7NZOCQkpwPYVqeJ7Cb47+M5jmHF2zmZpFv9czieJ1YkO6vTKn9e3pjyqP6PUlUe1bq"
    "dX7nLrOZBniLRS9pzBrXbeZjN8BkkBuz1F9hxT5FO9R779nLhIujaEDRn2fR00DsM6hcEb"
    "sgoShoMYfq7+ey5OMdDvqJFm7yuba5hWgakqMLVWptFd+QEE3JNP82nO9eyeHqVqYFc/el"
    "2kr/NSORmkkzkfpMuzDKNDJA3k8vZ9LmpDmc36w9xaFNlQ1iwQqG6SPxBJF4oEqlH8phLz"
    "7sRcIYZlO4ErByTU6iBWj20FuFowyWlNWboWSRnqULWCUQq2p9heAnFkG16WiW13k4+xjX"
    "QmMyJe9UW+wQ4Cr72Ue7gmw57NdQdqwwA9hLC+8XbSMm72CICdHC+hEMssjF1nYtOjZwxh"
    "anCmmtDArI0INSxPWIl4TVwULmeuQCgy3XKV9eeArT8qj+LBRBaL0VtmR70kqLN4Klstim"
    "yoeakcq0ViS72cH5NcHuLvGa6bCFEjOJ2nXfd+H0YU64Cf6aa5oHiI/6dgrVN5J/eXdzK8"
    "xpfp1wnCRrB73317yUWG3Sp51pLkajtf6+38zGOuJvG2eWcm5gGtsqrYI9zqiTw/24Nb8R"
    "0feUhZVXIZvyJSyLbirBZmZRnOV9EmHSZW2anqPLspp1O2Itdcp5NCMTZN6grFqPLC1HVR"
    "VHlhasBllRdG5YU5VCZvmBcm3NNX6O3YNrLEcXwhoPiBKTdZDN/pUXzxUzJT3L8pB2lme4"
    "JTD/Fc7xUe33ES7Mw5gyTy3Z3qbpCshbl80JniD38JxLDr8tLsPdIRH9m8kOiADNmQUuZx"
    "SiwM8HpDd+A0TFmDyA1DU/D5+2pYeIB9cLF/vBZ4hqFFhnULm++BVCS+Wd3mY0oet3dru1"
    "OZHQci0MUvarvoufBjBwlzMAUhcAoRtIkeMDVtB07m84x77LaRgyfCp8rLihrkS86CWpRj"
    "+YAdy77sS1rgQlQqsLeMudMzCZ9zbWeWtkcveMZerI79+XtaXWj6o2i58+XquGRPb33rfj"
    "1B/GNEOfEJCmoo6Xt7V8D19i7T8/Yu7niTk5wmJ72qMklUUusU7t8G2oDzX/4d0cGxdnr5"
    "5ao77H84752gyM8qAtoBpIKac5s3pnlOOWRFjK7GUqmKr3jxqsh4gGLZCAtxM3VUlHX5x8"
    "iax+83x0Uc/8fZjv/jOKelclWGySuKBvJ368CKiFJchs0JwuZxeycxZYm9SopuuT6OMkqu"
    "jpSsGEyZ4GZFgEtePcoVXB/vUNIpyI41V5+k2Mb+Pri8yBD2iiQuW2K46P+QRdjO/EShvf"
    "atRyyXUNaB9p5iXw0sisg5ATWLo8piAoQK4lAzaejSdMvSIGlwmtUyP71TklztwUvswUN2"
    "uzLqQIysESjLqDZwfFRAGTg+ytQF4FZs9ZH2T43vml0vI8q8QPhCopY9mjwGsvGBaLtzc/"
    "G1d93/2O+dlbV9rChP0Or7iH67vP7cv/h0gvwvI/qx2z8XV/wv9diCR4WgMeJLqpQSkVFH"
    "A/EmTdIgBPbvATvkjhhLH1pRXSKVeCOt4nB0xZ2oDwralz0HHibIS0H7fkapK2jfzwbtq9"
    "vA2Qnq7CnwTzVl7CEfjDUQAJZT/h/wDbrVSsusGS/Tzk2xKUprxrJ4QYAP7zA+tkZHS4wQ"
    "etRZALJ5JO60je7x3IVMC5YNB1mxSGEJawHIyonA1vh8RzN9gTyGkQ2IFV4f7EeSQJ99P4"
    "AA/MTBRfGjqHyMDgo8nCtwDqSYaAfpJQgNt3eCHuE1SOTJl2ijEQVSxKYiCYV/cIVMVsGf"
    "Y6Y7C6gbqJ+vOm4bEVMBgA4ZALQZ8GFDxMOeZm4FeWiS03JHkIcndhTXTYn5uTzFdeP+E7"
    "iKc/0ieXLI94woCRSWgDLtZc9Gh2nkKWLaU1aJQ7JKnOqWpSwTT2iZAAy623vA4tkTNonQ"
    "3XaeNQJA9K6GoWDh9JOctRO+0PF9PRz2yxCn5nvimyuYRGQkjbxy1jvvDXsIfzfAJMA367"
    "IZZFsmp3anOoTSIPGkVw7vGWAvsCz7kaUlnNx9o36AUSLg0Q9qWloP4HhL/y7SXXEHFpPl"
    "md3QXnC49sx+EBFNfg18Y7ykFQ8NFg7bmfF2UhsWSTQtU8Q/obEtDlfW7vmYWT7T3MF35H"
    "vQtizBH3DQP1PGiAM2RpTXfBqr8RyIhlMMg/h02Uv3FVPTkOSlWdaP7Bkw0+zxU+ZjqEXG"
    "+EZyk08CTgb6KNs0FyFqoFlu++EyIWWrFKOjZDWeqqsaQIuYP7ONnxlsLjc7RIjU/FArcE"
    "cjearyNu2Dy9k74TLMzq9F8TwW34w5v1K2JNlA5hWFQi9XRy/rd25aJrJsti8JFNc3CTnj"
    "r83S18a8OPMwVfNUuh3Emu//OM2fgMMJv84TOh5823kry/UQ3G+vdz7MZdGC7ofedz7T+Q"
    "nDCGV8aZcWeEenTJfGYEIhlZgxRWPZk9CvMzAQoxlIh/8fLw8OT/oGxlwJJlbKkVd7bFcZ"
    "7Q/TaC9EWNZuvyRSpvvame5rMuH2TTyb2y6mxkJmkkybdZOFcqdesiquSXx2wfn3kmI0B8"
    "+n4doOeg6+VHmeHxIOTzDc/tJGM8/V3SBXYqgtKPg+QF3z28wToDUxrbbF6YBHr9DU9pwU"
    "H/BeW1Zz8GHOwaJzlLZ9rWgUgEi5G55ix5QK+s1mcJOO74sDrF8XAli/zgFYv45zl9C552"
    "acKJeH6I3SKUBvuyKgd6abuOSkHCJRNlsFj1Y7jn3uOL7h26lt359hiwCospWy34gXyd1t"
    "PMrCgJ6F0gSX2GxAcq8OGvOey2w6RkxfMPQ4XQCq0iSmyOIudHlsShgoYeJteBlM/ULv0V"
    "im2hlH71L71jYXnIo9Yr4tSN9y7LF9gUANrM1TzGdAh8n09eO/gP1t9KBbHv4xbiM+cpmA"
    "nN7qjBiId6SpiGK1PVcGt/Jdy4LvZyxTbWcOeDuTDT9ZjxfcCIOyr4DU696n/mB43R32Ly"
    "9OUPjXiP7jpnfT03pfe4AODP2ID9OnQQjO+EiyKwtnRV1r8XzqcdbzjxG9uhzwr/BZhf1F"
    "9kvZ26XEbik1Fjj7aOhNQoAPScPZxYHQseWojMs6hXT/aVQb6L0GpaFM94/TqXFQYRxkpe"
    "7MzECVmaWzWAKqmu1ct52CyvSkgVCbleFpjGp/mb0OiLMOnlslpwefoAm4i/0vj5x5GmcC"
    "NQSPEnxfk8M6Qb3HFNZPZGPcXgZruScv19cDCtXZy3d2ZXjMnsVVXgaVl6EOeRlUToanzM"
    "kwn1tBeu80ZGTodjsXGLkqWNBSLk4gRSGOIpdghHVjinzj+zMmIDIIngm5NiK8zFxn7NF2"
    "fMu1PCNV3rm5Pu+gK/82EzZoTA1nMXfT7OR7b13Zsw/Tnl32HL2NDtCr2wS3awwJ/E3PHp"
    "etEIdpGsHkvevEumXBYd2Bi7NkmsoM8kaIYj/pKuMc3Mwvk11bnUVSVz9NondzFaDsEpBX"
    "RxM28XuAv8VZGCheKdaqHDBcXi3qXMqqqS7h/Dr/HKgNlpCMKho4Pna4isSZuPlKkl1jjS"
    "VT58Uk0c8rLih59dRYNHVbVOJsrL6w5NWkFpeKi4s6YfVp/VPKX5I9QTXXX6KOqGua1FPg"
    "+uqIOnVEXT2UB+V0/MmdjpCJv5XibRTX23luxqVWt96/eKU7LoEf2ES3CzSzqSvOXxsTc9"
    "xGjyIaRWRBJ/4ZcX5GcmjiGZyzxunhNLg73YE/cOuOOMxFDp7b/NY9pEYnbtK1uK+GIfam"
    "wBFvJ6Jixj8pusXIJPCkt54rn84v3BHxPo5cyv1j6yYeZBsQ2T78u5p8AmyOeePjkMs3yD"
    "lPbchLACMRniZo2fZcCKKCNyEOCpF10LcpdmRamtTz+XiV4nA+UUokn6eQMx8Z9mwu3kCf"
    "8BHQRsyWnJR564X7EYn0Y7Es+HzQ3JGJD8mEE/mQMdUp76PvpQSWJxxCNVPelwWLRhTasx"
    "nXmsOv10FdJN3ILsHRUwMDd7Gl+8cSKu/vYXp/o3281MKeoFRBwVGFacLf91FfiJ16yfx2"
    "KaR1dnZVNIK9PCpiOOalsmPAjhJmY5PwaSo7O8Z6K3GkghpbHrmK/uHy5uLsBPlfRvTyZu"
    "hfCr5VMRIXEUq2SBICuXPsmca5fpuWXTN7CMTIaiyIOpmAYTdcmtURIsXoQoxeaZNlTUpR"
    "ygaalA7XhJSCtPYTAVSQc4x0C4Ku2ShrkpwxZ2EVIYfplITrLGFG5lr5iNEIkYoaTVqFXe"
    "zMCJXbwKzgrxzNI5VaqSDFdD3Ho/eluB0QKAYXZLBupCdJy+PxiqZ5bN7Jjn1pVhRTbeXD"
    "+FKq2Z/NpHUdtD6AxjsX/ipWZj8PNCcIPkf0und6eX3Wv/gEGXj8ryM6GF5ei2v+F3mldy"
    "Yv9M5G9GO3fw6/5d8RlWev8gv+lyr2gO0n6lmJCo6GSdO6yop8VU+NB13rW/frCeIfI/rl"
    "6vgE8Y8a2GdC44b8G2tLLFccLTbJ1JKyamiQvvSfR0fHx2+PXhy/eff61du3r9+9WCpOyV"
    "t5GtSH/qf+RQy9lBZGH3A0NytHMaFsI0WHkkqEpQ9832dn2NjKTFureuo8bXW/DbQBn6/k"
    "X77oHGunl1+uusP+h3O+YkV+1m2B4Qye27zZshD+7BpqLKmaIfhXPLz1jHucscyv4/+Ktn"
    "mcf3NcJOL0ODvi9Dib5w6elMwRn0bbQJ5vPcp3xbeSOeMThIrbZbi9grOUxC7kVKFADJkr"
    "qeOkqTx5ySYTpOqkxE1yTQbs1F0Xz+ZuGUN2OvH+QM4vdrsR2Jo5OwoDTNlx5UXnJIlVbE"
    "6J2BwVpZHdzZsbpaHCCg4prAAQ7Cq04IlDCwIBZEQYhOSTH2ig+e9ZMOCgSwOkeTsE3wcc"
    "uITBUwyIdvdEwt3tRwlZF/faPjaeb3OYSC3m499X6jdDDr4DPLudDDjYV8MQcHDJ24rEEF"
    "zJkTb4xznENgBOfxywbQyxDAs4sFCi622hYum8hTYg9S1Azfv3GCRZo1wMwZOHMPvwnB00"
    "sEdUOK5m4iBa3XBstizG0L9sQv3XhUNFeKUQXQHSFOcldtDQIZMJdiCgAM+hefynp1uA1F"
    "89bweNKX6ExOMiaGMsIzTwiHKdhrmImEGoxjKmIxpeIInFY7wXHRPJo+fFG8kYDnE2S2s5"
    "5psfESBago9XBwb9Z9h5IAbW5o79QExc9ojGDHK1FMdTwIUGXBn+xumUYaLUcevhLR3M+C"
    "FLT5ojza/j4+drbGUdk+kvsQNR3+myusPt2Qk9KJFNZENWBfGOTWUPmG23wKLP0vjbFC7t"
    "Wv0FdmWovj4n16i9gdTWq7zfpsSYCp0GlCF9qYcKvcgP0kL3fGfLIJDyUZQm5ok8722m32"
    "PmB7Wy1cHXKRG1u2kmI35WZPWVqt1MaWp1WdryNDUVSPgUsERlmFKGqadeS9uHY5jiojqd"
    "YuM+bWle3stdm/n6pBlQrODiPIZWhA3jt+7gN+1z7w9kO0gX6xxf33oXp9d/XMG5lXBr8B"
    "6NReXi7HBBBRGmaMyfDUTTWd3EbJxconfd2M+yCDctgYJKn79KLlpkEc6BkKWkgF0Ok5RN"
    "Vl76yghdxWSVdWN2nhN2i9kqS9hYdrmcdLHDdzlpi4l/J3cp0Vdl1i0j2fzf8pScic1InZ"
    "FTsBj+tLrZVLx7UPaGWIzsqTYzn1/2bJud0K8JE+5Ogt5gUJXgsF+8gdx9+eJFkU3lixfZ"
    "m0q4F1vRbAq2mSSHs2F0IRJ1VnNJ/NyTLmY//h9VeR+x"
)
