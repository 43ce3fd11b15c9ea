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
    "eJztXXtz2ziS/yoo/TOZK403sfM65+qqFFvJ6OJYXkuOd/Z0RdEiLHNNgRqCtKKby3e/bo"
    "CUKL5EUg9TDFIVWSLRANmNR6P7142/GhPboBY/6lHnyRzRK8d+Mg3qNE7JXw2mTyh8SSvS"
    "JA19Ol0WwAuufmcJGi4La1O/tLir33HX0UcuFLjXLU7hkkH5yDGnrmkzJBtim9ojnQ+Jyc"
    "nsQXfJRH+knOB1Tly8YNn2I3yjhMM1Qv/0dOsD4ZSSITzO3+5tjxk61vc3QXM0nQ+PsHHD"
    "HkHrJhvvuB2PmX96VHPtMQVi5OR//w9cNplBv1Me/Jw+avcmtYwVRpsGViCua+58Kq7d3H"
    "TOP4mS+A532si2vAlblp7O3QebLYp7nmkcIQ3eG1NGHd2lRojhzLMsX0jBJfnEcMF1PLp4"
    "VGN5waD3umeh2Br/ce+xEb41ASYcLZlwBEJmrgnP7vAjRmeaafyn/8Qhak277Pa1XruvaY"
    "2Y8PHJInLyL41shh3HZC7y768fst4ln8TVBjZw9nvr+sXJ218FZ2zujh1xU3Cx8UMQ6q4u"
    "SYUslswXf2PsP3vQnWT2B+UjAoAHLcP64MKS98sRErAvYNAOWNqY6N81i7Kx+wA/377OYP"
    "G31rXg8tvXgss2DGg55C/9O8fiFjJ7lbk43OIM7tPvbjqDA5paMDmDqf32P/pY84TzP60w"
    "M198bf1D8Hky9+9cdC8/B8VDzD+76H6MMB1mWvMpoU9/tG2L6iyZ60uiCM/vgGpXTA/mmf"
    "0y/WO3e7HC9I+dKFdvvn5sX794JSQAhUxXXO5c9iOsHjkUWaLpbpzd53DHNSc0md+rlBGe"
    "Gz7pUfDlAHt9A17Q6DJr7ss5axR0vrZ7/dbXqxWpnLf6bbxzvDIMgqsv3kamoUUl5LbT/5"
    "3gT/LP7mU7uiQsyvX/2cBn0j3X1pg903QjtPQFVwOurUjdmxolpb5KqaReFakHPAqJ3X/6"
    "pdSfQMVBbsRE3mEpK1mIIiJqYNeuhPtqV5Id4xP8dvzq9bvX70/evn4PRcRTLq68yxC2nD"
    "pRA75/DKlheOFOHz3OdMfQVu6El7MRqJsuT1jQfMpPX66pJdTRBFb7u5iWrOUAh9SPoFsF"
    "V5M6pz41UWfalElT84tUvNbwyJ8lD4pFHve3o+X5c8NpHgX0ULiDo88+ttPGY/zW5HgSva"
    "IzfSxeCdvGliLjLcGgEBqK6YaE8Khfbz/oUdCnXE50ZpCpzvnMdgz45cAmnuoWNciL6Oad"
    "spEzF/S4g//1A9EJ7IXMiTch9j15SSagKXPiMcucgPZnxE0Ju29ywAbs7Pf22RdOHmzLkO"
    "aKsY12Ct/IcCrsFFOHPpm2x8mM3j2g8YKLRxNPZsITUmY0oS3/7i/QBHRjYfFYefim+MVs"
    "9wHeEJ9IH7CgxpkJw8FzRXU31xfK4KEMHoe5F1cGD2XwUAaP8gYPj8Nyr8E7J2x9cQppM2"
    "8i+N2Bh9PZiMa3wCs17K+/N26w4Rto96jX7vU63ctewXm7EdCdkuDbgH3tXN7023DJ/xLV"
    "E/JMQ+9zzELvUyeh99E5SHLYVy0KbFdjdPvbtL7c1XS/hU1rmLWWOaKMU0PjlOPWPmE/kc"
    "reRFrF4iiLuTnVHNCgE3puuo6yQlRqTqnYnm11gnh1cpxjioBSqZOEuLfKaF+31+RuIWH1"
    "NJnuzJP5HaeNLqJzl/J6qS4fUfEIr6LA3I+dy9b1H8m6S1A+rJ5//KPfbkXkEGzftE0Ekl"
    "FJSclUbEBURzAa/T41gayE+T9fjVtwCxyO8CruBYg7fxw6NvHdkAcLOXqOVWS5yqqjfqvX"
    "8cvXeTRcLJa6fsmbP9ZLYkKBfQnmpXybkzVVVlg2jc/t/imBjwG76vbgK36W2YzkMYmkW0"
    "RiBpHkrs6pU9QMtbaiCgun7MB58ybPuHnzJn3Y4L0cAglswMWUjrVVKdWjpOoB7+1RjT5R"
    "5pZdYzKqqOFI2dESk8jEEpPXunpqKJFdzF1JbCw3da2rSc1cJWcugwr890i3LHgyTZ9OLX"
    "MkV4hiXr+1FW3gEDwcMa31860Yzhw62oDjqRUoTivUZ73xfwr1+TNKXaE+9+/dicSHFV2i"
    "ksm3iQ062BUqBq5N53qc5Z9sh5pj9oXOYwayZChkQlTgYXI6BouEy44+W6DW0vocsAQYQS"
    "VQ4hqmmevOGfT2XIhmBdZVYN1NuANqOuxTcVsE5e7N8Yacug6qOxO11WgsJzq84Z1NWKRN"
    "uiHbbmV957K6PCPxINkW2g9uPGMtaqoTs3YKo5eTfBKKfjH9Z4DoQwvNehB9iwi0OXFhZJ"
    "AhH9lTOiSuLTDm9gxkRaQixk9J6/xr55I86Jwwm0FVogiiwDmh36ERa46XTIfHcfM7aQWh"
    "8uceNkF04tiu6GO/cGLDwLT0KRkuPO++xx0qfRgSCwH8olbLCFDzJiMec00rTrP00g+hwW"
    "Gwl7+ba/82JLbn4jQgagOWE9uRMHuRUgAuzgmfUv1R4OqZgVcceg9Kl4gYYDa5lwoY0nIF"
    "rz9geL3o0WX9zwviKuPAG2Jc+sNzwHrt62+ds7Z2dd391jlvXyM6dvXKgLXOzro3l32gkV"
    "/KOKZfvc2DgYuaCkIQuLdRd4I+GlHOoYUnmuJaWy+xaB2VFtynm4uLU4KfA3bdbp1r3cuL"
    "P07J4uuAfW7127ctuOZ/qYagVMjKDkNWpt4daGWJhph0Dq8Q1ZDN2+/DIcWjmKsyQqiAts"
    "1N8ZylRZFWg/IWb0kkW4DWKkhtxV0scc9aVHaWzl2Ex5Txta2rS/WEKvcEsXUvJfdVSiXl"
    "Kku5/CyvZvXDkTJMxPZjubG8QqmkXGUpb7JWq7X5kCQdsndvZONMqqfC+OfaWDtDfH+k84"
    "LAm0RihQtN5TD6fsqzOESteKywt/VGYSrs7c8odYW93Tv21k+pWHBZWqVSy1HF8cy14XLV"
    "4czVZPSW0cwJ08cWmJ0/F/OBMnl1ziyMFN8loPDCHpvsk25ankMbCbDClfvNLHChhSW1e1"
    "k0N8TQdeaI9gNiRNoJdBxWQY0mQubEb5OTO4pQvolu0FNiiiszx3RdyuCOQM2JvLd+vC7e"
    "xkN7qEF0NwlwuPM2EX445N7dv+jIFScL6Yjjg3voIEbIH5LS3ybQKAH1B9jFm2SGEEAypf"
    "bUgrphhITSCLu2/YEMGXXh56N/VhGWhucaYd7ee8eeHBEYeESHpv0q5ZvMdE4Eno64+iNl"
    "EnuIIMOkZ9L5I3UQJ4nAy2aATCSmERSIQRmRwlAAxUMGKMp+GpdAJghlSaQAKM2SaAd/PC"
    "cbTlOQbEuSGqKstg9mg9ZLmQnCdDU0EhyuUUDagmKbgedRnq78BfrKtsxRYlRGpESmAhUs"
    "99oUC5t5dahbXIaXqsKDjlEHNigpp8RmlDj2LMjkz3CBBzUFoyJknIPfsfCoAAw7oE8Ybv"
    "Ggs3HSCQe7bKjeysNL/99v4uMdfrwPfvr/Xh2W0jAxGWaFDqbumABSLXJxwj0a5g4l5zGj"
    "1OCaYY6T0qpnZrGPUO4xlf3iysHmspe84/PJnZ0Q/pGD7UtSxfcCfHfoPewnObBzMkmy7m"
    "dyPk6sjm9Q51X+vH405T39GaWuvKdVO69yl9vOnjwwpJGw3wxuNbM2muEDR/LY6IVlX5p7"
    "ZfC9i2fIwc6NdBld2MvFJfwinRvGBzIMAzqF1Ro6pftw71lBgD/sBjyXJtno99JmvXed9T"
    "VZqxBVFaJaKaPprjwEAvgJi0CSmz29p69S1bCrH7/J09ehVEYy6Xj2B+k1LcLoEEkNubx9"
    "b4zabqaz/jA3Hnm2mxULCaqa5A9E0rligioUyanEvDsxl4hm2U4IywEJtTyc1eNbgbDmzH"
    "daUZauxVSGOlSlAJWC7QmWmUAc6WaZRY7bLaZmbBIB/3NI66ojcwmSIUXcIYbt+UBC3SUT"
    "/REqcmd2AEek0m3P4R02SNm4jdYFlnIBjZB5GoGw5YxtdiyhisSl390mmeoOELiYDhJhCF"
    "y3MHvjyPKMnwJkUF9zj0qheDBBxWJ0F9lCLwiqLJ7SZoo8O2golWGmiO2hF/NnnMt9mAYz"
    "uBwQ1YLTWep0+x/9FU064GeyLS4oHuL/GZrnVMrJ/aWcDC/vRfp1jLAW7N53315wkVO3TI"
    "q1OLnav1d6/z7xuKtJ+G3WeYlZuKu0KvaIvnomV8/20FewxTOfElaVTMYviRTQLT+rhR1Z"
    "RiiWNEKHiVViqirPbsrLlK7I1dfLpECNdZO6AjWqlDBVXRRVSpgKcFmlhFEpYQ6VyRumhA"
    "n39CWYO7KNLHAUXwg3fmDKTRrDd3oMX/SEzAR/b8Ihmumu38QDPNe7gYf3QEKdKTDIx7qj"
    "O9VP1cJdGHSG+AMvQTh1XSjNPxCdwMiGQqIDcmKDYkhmD6blp5Nx8CTMhf8VQ7vjHuB9NS"
    "wT6Ug0sX+yVuA55lS3EPAPpOjtHS5vw5gaigw3d7b7IE/Ww5w14hfGEbwQ3utfZbD6kDIU"
    "AlCIGE7yRJlhO80Bu/NGj9RtEoeOhU8Vyooa5EtOglqUY/mAHcu+7Ata4EJUKs63iLnTM0"
    "yYc21nkrRHz3m8XqSO/fl7Gi1s+pNo+ejr1UnBnt64bX07JfAxYEB8SoIaCvre3udwvb1P"
    "9by9jzre5CSnyUmvrExilVQ6e/ttT+sB/+XfAeudaGfdr1etfufjRfuUrPwsI6AdQCqYMb"
    "WhMc1ziiErInQVlkpZfMXL13nGAxZLR1iIm4mjoqjLP0JWP36/Pcnj+D9Jd/yfRDktlasi"
    "TF5S1JC/WwdWrCjFRdgcI6wft3cSRBbbqyTolusDJ1fJ1WmSJaMnY9wsCXDJqke5gqvjHY"
    "o7BfmJ5urjBNvYf/W6lynCXpJEZWuOXPJ/xDL5zvxEob32nWdarsn4Ebb3HPtqZNGKnGNQ"
    "syiqLCJArCAKNZOGLk23LG0EH0lWy+xsT3FytQcvsAcP2e2KqAMRslqgLFe1gZPjHMrAyX"
    "GqLoC3IquPtH9qsGt2vZSw8hzhC7Fa9mjy6MnGe6Lto5vLb+3rzqdO+7yo7WNJeUqW3wfs"
    "tnv9pXP5+ZT4XwbsU6tzIa74X6qxBV8VgsZNX1KFlIiUOmqIN6mTBiGwf0/UMe/N0cKHll"
    "eXSCTeSKs4HF1xJ+qDgvalz4GHCfJS0L6fUeoK2vezQfuqNnB2gjp7DvxTRRl7yGdi9QSA"
    "5Qz+I75BtxpJiTajZZqZGTdFaW20KJ4T4AMdxsfW6GSBERJHOvkgm5npPjTJI5264RMXwo"
    "UlrAUhK6fyiCfJdzLR53iME7ERsQL14X4kDvTZ9wMIwE8UXBQ9qcrH6JDAw7kE52COiSaR"
    "Q0Ge7bVo71TmmjBXnnyBNhowJCUc9uSUB8dZHJE+HvHlmBPdmYujr4D6xbLjNolpKADQIQ"
    "OANgM+bIh42NPMrSAPdXJa7gjy8MyO4qopMT+Xp7hq3H8GV3GmXyRLDtmeESWB3BJQpr30"
    "2egwjTx5THvKKnFIVokz3bKUZeIZLROIQXfbT1Q8e8wmEbrbzLJGIIje1SgWLHBOtzmGhY"
    "74521hukeZ/QU230RURdBIgHwXp0bb/pEcYi8dHNcxB76O5cnRGFFDxANfOdBB0GxgWfaM"
    "J5/Xvae2/XCjWPijH+KEtgB5Tdbq6CsWBnwI/ImrzAc8oFu0szB32E+UN2WOzMVjuWRkT+"
    "CN8PzuAYNGhhjaAG0mPcQRGdri1GXtEUZQ6Jnovfk9CL6SJX7hpNc5V6aJAzZNFNeDaqv/"
    "HIi+kw+R+Hy5TPcVYVOTVKZptpD0GTDVCPJTZmeoRML4WnITJgEnBYuUbqhbIaqhkW77wT"
    "MhZasQo1fJKjxVlzWH5jGGpptCU9hcbHZYIVLzQ6WgHrXkqcritA8up+9+izA7uxbF80i0"
    "MwV+JWxJ0mHNSwqFZS6PZdbv3aS8ZOlsXxAorm8SgAavzZPXxqyo8zBV/VS6HUSe7/80zZ"
    "+AwzEvzzO6IXzbeSPNERHcb653RUxl0ZzOiL7M6LXMHjaU3YX8NkErMJmgCOD/0HcDcOkj"
    "4MS2jMABMARN17SGTQQJCnO8ozOuC0ty3AOxjwaVmf4wzfRCrEUt9QsiZayvnLG+IlNsx6"
    "CTqe1SNprLTJJJ82y8UOZkay6LaxKfnXPG7cKENYWZDArZDnmB3lN5oB/mVdQRxe382iQT"
    "z9XdIFdiqC0s+CFAXcNt7gnQmphQm+J4wOPX5MH2nATn715bVnPwYc7BonMUtnYtaRSASD"
    "kYnmOPlAj6TWdwnY7viwKs3+QCWL/JAFi/iXLXZFPPTTlRLgvRu0qnAL3NkoDeiW7QgpNy"
    "iERZaRU8Wu049rnjuKV3D7b9eE4t84k680bCfiNaJHO3MZOFET2LpU1aYLOByb2OyBB6Lr"
    "fZkHB9jkeFzxEwaZiGyOIudHlqSMinycXbSNClLPSBDGWqneHqXWbf2cYcqPiMOv7B4LEt"
    "xx7bF5jTwL78QGEGdLhMXz/8C9nfJE+65dEfQ8SO2hgve0/udG6OCHSkBxHFanuuDG6FXc"
    "sc9jOWOu78kLcz6YCT9QjBjVAn+wpIvW5/7vT6161+p3t5SsK/BuzvN+2bttb+1kY8YOhH"
    "dJg+DyZwAiPJLi2cJXWlxfO5DayHjwG76vbgK36WYX+e/VL6dim2W0qMBU4/GnqTEOBD0n"
    "B2cSB0ZDkq4qROIN1/GtUa+qtRaSjS/aN0ahyUGAdpqTtTM1ClZunMl4CqYjvXbaegMjxp"
    "INQmRXgaodpfZq8D4qxDp1bB6cEnqAPSYv/LIzBPAyawkeBRjO9rcljHqPeYwvqZbIzby2"
    "At9+TF+npAoTp78c6uDI/ps7jKy6DyMlQhL4PKyfCcORmmUytI752EhQzdbmZCIZcF81rK"
    "7wnVRw/Et7Q3BRwGmxc26anO+cx2jBxHoX5YFOaitDxbNcE0vuMG0RZ+6xu0dWGEJ3JHtW"
    "wRr9n3xHQ5kfOOrEDY19WRrIdv/C566N5Gp+1VbTbcNeAE/yanmkvXnsM0tWDy3hVomLLw"
    "ZO/AH1owp2UKeS1EsZ/cllEObubESa+tyiKpqlMn1rt9hWKjERKqow47/j1g5aIsDLSzBN"
    "NWBnIuqxZ1iGXZvJh42J1/aNQGS0hKFTUcHztcRaJM3HwlSa+xwpKp8mIS6+clF5Sseios"
    "mqotKlE2ll9YsmpSi0vJxUUdx/q8zizlXEmfoOrrXFHn2dVN6gnYfnWenTrPrhrKg/JQ/u"
    "QeSkzb30hwTYrrzSyf5EKrW++MvNId18Qf1CB3czKxmSsOaxuaxrBJZiJ0BRclmbZcd4OE"
    "5djEL3goG9Dj0XH3uoN/8Na96XCXOHRqw61HRmfEdONOyX01jM7JHOfBnYqKOXwyckeJYe"
    "KT3nmufDq/8JEIDnLkUu6fcTf2MDWBSA3i39XkE1BjCI0PQ/7hICU9szGJAY5EfJqgZdtz"
    "MeIK38R0SIjsiNwKhyy+YuJhflClOMlPlNKZMWCMwiKESeqn4g30MYyAJuH2In89kAj3Ix"
    "HZycLp8H9BDy27N8c+fhOP7/Pz9hsfpAQWxyFiNQ/QlwWLBgzbszlozeHXOyItIhy8IE26"
    "esSgawuH8NTS/TMMlff3ML2/q3280MIeo1QRxKsK0xjed6bPxU69YPq7BNIqO7tKGsFeHe"
    "cxHEOp9ICx45jZ2DBhmkpPpbHeSrxSQYUtj6Cif+zeXJ6fEv/LgHVv+v6l4FsZI3EeoaSL"
    "JCYQPGpFA67fJSXfTB8CEbIKC6JKJmDcDRdm9QqRYnQuRi+1yaImpVXKGpqUDteElADL9r"
    "MGlJBzhHQLgq7YKKuTnCmwsIyQw3RKwlWWMDenWvHw0hUiFWIatwq71JmYTG4D0yLFMjSP"
    "RGqlguTT9RyPPRbidkCgGJyTwfooOaNaFo+XNPVj80527AuzophqS5/Vl1DN/mwmjeug9R"
    "42fnTpr2JF9vNIc0rwc8Cu22fd6/PO5WdM1+N/HbBev3strvlf5JX2ubzQPh+wT63OBf6W"
    "fwfsvH3R7uMF/0sZe8D2s/osRYUnxyRpXUVFvqynwoOucdv6dkrgY8C+Xp2cEviogH0mNG"
    "7M/6XaAssVRYuNU7WktBpqpC/9+/Hxycm745cnb9+/ef3u3Zv3LxeKU/xWlgb1sfO5cxlB"
    "LyXF3AcczUzhkU8o28jnoaSywtIn2PfZKTa2ItPWsp4qT1ut257Wg/lK/oVF50Q76369av"
    "U7Hy9gxVr5WbUFBhg8taHZohD+9BoqLKmKIfiXPLzzRo80ZZlfx/8lbf04//YkT8TpSXrE"
    "6Uk6zx06LphQPom2hjzfepTvkm8FE8zHCBW3i3B7CWcpiF3IqEKBGFJXUsdJUnmyMlPGSN"
    "VBipskpgzYqbsunUzdIobsZOL9gZxf7nYjsDVz9ioMMGHHlRWdEydWsTkFYnNUlEZ6N69v"
    "lIYKKziksAJEsKvQgmcOLQgEkBJhEJJPdqCB5r9nzoCDFguQ5s0QfF8kBhMweEYR0e6eSr"
    "i7PZOQdXGv6WPjYZvDReoyH/++VL85ceg94tnteMDBvhrGgIMutLUSQ3AlR1rv7xcY24A4"
    "/WHAtiHGMszxdEOJrreFiqVDC01E6luImvfvcczZxkAMwZOHMPv4nEekZw+YcFxNxEm2+s"
    "ix+aIYJ/+yTea/Lp5AApVidAVKUxyueET6jjkeUwcDCugUm6d/erqFSP3l8x6RIaMzzFIu"
    "gjaGMkKDDhjoNNwlphGEaixiOlbDCySxeIwPMgOcPJlevJGM4RAHuTQWY77+EQGiJfx4fW"
    "DQf06dJ3NEtaljP5kGLXqeYwq5WoqjKeBCA64If6N0yjBR6DT28JYOZ/yQpSfJkebX8enL"
    "NbXSztT0l9ieqO9sUd3h9uyYHhTLJrIhq4J4x7qyB822W2DRF2n8rQuXdq3+IrtSVF+fk2"
    "vU3kBq61Xe2wdz9CDz4oIypC/0UKEX+UFa5BF2thwDKWeitGmcysPhJvoj5X5QK1+ekp0Q"
    "UbubZlLiZ0VqYKnaTZSmVpWlLUtTU4GEzwFLVIYpZZh67rW0eTiGKRDV2QMdPSYtzYt7mW"
    "szrE/aCIvlXJyH2IqwYfze6v2ufWn/gZnvdbHOwfrWvjy7/uMKD7nEW70PZCgqFweNCyqM"
    "MCVDeDYUzdHyJuXD+BK968Z+lkW4bgkUVPr8ZXLRPItwBoQsIQXsYpgkbLKy0leu0JVMVl"
    "k1Zmc5YbeYrbKAjWWXy0mLOrDLSVpM/DuZS4m+LLNuGUnn/5an5FRsRuKMnIDF8KfVzabi"
    "3YOyN8RipE+1qfn80mfb9IR+dZhwdxL0hoOqAIf94jXk7quXL/NsKl++TN9U4r3IimYztM"
    "3EOZwOowuRqIOdC+LnnnUx+/H/PHIZyA=="
)
