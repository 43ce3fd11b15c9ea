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
    "eJztXXtz2ziS/yoo/ZPMlcab2Hmdc3VViq1kdHFsryXHO3u6omgRlrmmQA1BWtHNzXe/bo"
    "CU+DZJPUwxSFVkiUQDZDceje5fN/5sTW2DWvygT51Hc0wvHfvRNKjTOiZ/tpg+pfAlq0ib"
    "tPTZbFUAL7j6rSVouCyszfzS4q5+y11HH7tQ4E63OIVLBuVjx5y5ps2QbIRtag90MSImJ/"
    "N73SVT/YFygtc5cfGCZdsP8I0SDtcI/cPTrY+EU0pG8Dh/u7M9ZuhY398EzcFsMTrAxg17"
    "DK2bbLLldjxm/uFRzbUnFIiRk//9P3DZZAb9QXnwc/ag3ZnUMiKMNg2sQFzX3MVMXLu+7p"
    "1+FiXxHW61sW15U7YqPVu49zZbFvc80zhAGrw3oYw6ukuNEMOZZ1m+kIJL8onhgut4dPmo"
    "xuqCQe90z0Kxtf7jzmNjfGsCTDhYMeEAhMxcE57d4QeMzjXT+E//iUPUmnZ+MdD63YGmtR"
    "LCxyeLycm/NLYZdhyTuci/P/+S9a74JK62sIGT3zpXL4/e/SI4Y3N34oibgoutvwSh7uqS"
    "VMhixXzxN8H+k3vdSWd/UD4mAHjQKqwPLqx4vxohAfsCBm2Bpa2p/kOzKJu49/Dz3ZscFn"
    "/vXAkuv3sjuGzDgJZD/ty/cyhuIbOjzMXhlmTwgP5wsxkc0DSCyTlMHXT/McCap5z/YYWZ"
    "+fJb5x+Cz9OFf+fs4vxLUDzE/JOzi08xpsNMaz6m9OlPtm1RnaVzfUUU4/ktUG2L6cE8s1"
    "umf7q4OIsw/VMvztXrb5+6Vy9fCwlAIdMVl3vngxirxw5Flmi6m2T3KdxxzSlN53eUMsZz"
    "wyc9CL7sYa9vwQsaF8xa+HLOGwW9b93+oPPtMiKV086gi3cOI8MguPryXWwaWlZCbnqD3w"
    "j+JP+8OO/Gl4RlucE/W/hMuufaGrPnmm6Elr7gasC1iNS9mVFR6lFKJfW6SD3gUUjs/tOv"
    "pP4IKg5yIyHyHstYyUIUMVEDu7Yl3NfbkuwEn+DXw9dv3r/5cPTuzQcoIp5yeeV9jrDl1I"
    "ka8N1DSA3DC7f6+GGuO4YWuRNezsagbro8ZUHzKT9/vaKWUEdTWO3vYjqylj0cUn8F3Sq4"
    "mtY59ZmJOtO6TJqZX6Xi9QSP/Flyr1jkcX87Wp0/15wWUUD3hTs4+uxDO2s8Jm9ND6fxKz"
    "rTJ+KVsG1sKTbeUgwKoaGYbUgIj/qn7Qd9CvqUy4nODDLTOZ/bjgG/HNjEU92iBnkZ37xT"
    "NnYWgh538L98JDqBvZA59abEviOvyBQ0ZU48ZplT0P6MpClh+00O2ZCd/NY9+crJvW0Z0l"
    "wxsdFO4RsZjoWdYubQR9P2OJnT23s0XnDxaOLJTHhCyow2tOXffQFNQDcWFo/Iw7fFL2a7"
    "9/CG+ET6kAU1zk0YDp4rqru+OlMGD2Xw2M+9uDJ4KIOHMnhUN3h4HJZ7Dd45ZeuLU0iXeV"
    "PB7x48nM7GNLkFjtSwu/7eusaGr6Hdg3633+9dnPdLztutgO6YBN+G7Fvv/HrQhUv+l7ie"
    "UGQa+lBgFvqQOQl9iM9BksO+alFiu5qg292m9dW2pvsNbFrDrLXMMWWcGhqnHLf2KfuJTP"
    "am0ioWx1nMzZnmgAad0nOzdZQIUaU5pWZ7tugE8frosMAUAaUyJwlxL8poX7fX5G4hZfU0"
    "me4s0vmdpI0voguX8mapLp9Q8QivosDcT73zztXv6bpLUD6snn/6fdDtxOQQbN+0dQSSU0"
    "lFydRsQNRHMBr9MTOBrIL5v1iNG3AL7I/wau4FSDp/HDox8d2QB0s5eo5VZrnKq6N5q9fh"
    "qzdFNFwslrl+yZt/PS2JKQX2pZiXim1OnqiyxrJpfekOjgl8DNnlRR++4meVzUgRk0i2RS"
    "RhEEnv6pw6Zc1QT1ZUY+FUHThv3xYZN2/fZg8bvFdAIIENuJzS8WRVSvWoqHrAe3tUo4+U"
    "uVXXmJwqGjhStrTEpDKxwuT1VD0NlMg25q40Nlabup6qSc1cFWcugwr891i3LHgyTZ/NLH"
    "MsV4hyXr8nK1rDIbg/YnrSzxcxnDl0vAbHMytQnFaoz2bj/xTq82eUukJ97t67E4sPK7tE"
    "pZNvEhu0tytUAlybzfUkyz/bDjUn7CtdJAxk6VDIlKjA/eR0AhYJlx19vkStZfU5YAkwgk"
    "qgxBVMM1e9E+jthRDNCqyrwLrrcAfUdNin4rYIyt2ZkzU5dRVUdyJqa9BYTnV4wzubsEib"
    "dE223cj6TmV1RUbiXrIttB9ce8Za1tQkZm0VRi8n+TQU/XL6zwHRhxaap0H0HSLQ5sSFkU"
    "FGfGzP6Ii4tsCY23OQFZGKGD8mndNvvXNyr3PCbAZViSKIAueE/oBGrAVeMh2exM1vpRWE"
    "yp962ATRiWO7oo+94MSGgWnpMzJaet59jztUej8iFgL4Ra2WEaDmTUY85ppWkmblpR9Bg6"
    "NgL3+70P5tRGzPxWlA1AYsJ7YjYfYipQBcXBA+o/qDwNUzA6849A6ULhExwGxyJxUwpOUK"
    "Xr/H8HrRo6v6n5fEdcaBt8S49IfnkPW7V997J13t8urie++0e4Xo2OiVIeucnFxcnw+ARn"
    "6p4ph+/a4IBi5uKghB4N7F3Qn6eEw5hxYeaYZr7WmJxeuoteA+X5+dHRP8HLKrbudUuzg/"
    "+/2YLL8O2ZfOoHvTgWv+l3oISoWsbDFkZebdglaWaojJ5nCEqIFs3nwfDike5VyVMUIFtG"
    "2vi+esLIqsGpS3eEMi2QC0VkFqa+5iSXrW4rKzdO4iPKaKr+2pulRPqHNPEFv3SnKPUiop"
    "11nK1Wd5Navvj5RhIrYfqo3lCKWScp2lvM5ardbmfZJ0yN69lo0zrZ4a458bY+0M8f2BLk"
    "oCb1KJFS40k8Po+6nO4hC14rHC3jYbhamwtz+j1BX2dufYWz+lYsllKUqllqOa45kbw+W6"
    "w5nryegNo5lTpo8NMLt4LuY9ZXJ0ziyNFN8moPDMnpjss25ankNbKbDCyP12HrjQwpLanS"
    "xaGGLoOgtE+wExIu0EOg6roEYbIXPit8nJLUUo31Q36DExxZW5Y7ouZXBHoOZE3ls/Xhdv"
    "46E91CC6mwY43HqbCD8cce/2X3TsipOFdMTxwT10ECPkD0npr1NolID6A+zibTJHCCCZUX"
    "tmQd0wQkJphF3b/khGjLrw88E/qwhLw3ONMW/vnWNPDwgMPKJD036V8k3mOicCT0dc/YEy"
    "iT1EkGHaM+n8gTqIk0TgZTtAJhLTCAokoIxIYSiA4j4DFGU/TUogF4SyIlIAlHZFtIM/nt"
    "MNpxlIthVJA1FWmwezQeuVzARhugYaCfbXKCBtQYnNwPMoT5f+An1pW+Y4NSojViJXgQqW"
    "e22Ghc2iOtQNLsMrVeFex6gDG5SUY2IzShx7HmTyZ7jAg5qCUREyzsHvWHhUAIYd0EcMt7"
    "jX2STthINtNtRs5eGV/+9X8fEePz4EP/1/r/dLaZiaDLNCB1N3QgCZFrkk4Q4Nc/uS85hR"
    "anDNMCdpadVzs9jHKHeYyn55ZW9z2Uve8cX01k4J/yjA9hWp4nsJvjv0DvaTHNg5naZZ93"
    "M5nyRWxzeo8yp/Xj+a8p7+jFJX3tO6nVe5zW1nXx4Y0krZbwa32nkbzfCBI0Vs9MKyL829"
    "MvjexTPkYOdGLhhd2svFJfwinRvGRzIKAzqF1Ro6pXt/51lBgD/sBjyXptnod9Jms3edzT"
    "VZqxBVFaJaK6PptjwEAvgJi0Camz27p0epGtjVD98W6etQKieZdDL7g/SalmF0iKSBXN68"
    "N0ZtN7NZv58bjyLbzZqFBNVN8nsi6UIxQTWK5FRi3p6YK0SzbCaEZY+EWh3O6vGNQFgL5j"
    "utKUufxFSGOlStAJWC7SmWmUAc2WaZZY7bDaZmbBMB/3NI57IncwmSEUXcIYbt+UBC3SVT"
    "/QEqcud2AEek0m3P4R3WSNm4idYFlnIJjZB5GoGw40xsdiihisSlP9w2mekOELiYDhJhCF"
    "y3MHvj2PKMnwJk0Fxzj0qhuDdBxWJ0l9lCLwnqLJ7KZooiO2golWOmSOyhl/NnkssDmAZz"
    "uBwQNYLTeep09x+DiCYd8DPdFhcUD/H/BM1zKuXk7lJOhpf3Mv06QdgIdu+6by+5yKlbJc"
    "Vaklzt32u9f5963NUk/DbvvMQ83FVWFTtEXz2Tq2dz6CvY4pmPKatKLuNXRAroVpzVwo4s"
    "IxQrGqHDxCoxVZ1nN+VlylbkmutlUqDGpkldgRpVSpi6LooqJUwNuKxSwqiUMPvK5DVTwo"
    "R7+grMHdtGljiKL4Qb3zPlJovhWz2GL35CZoq/N+UQzWzXb+oBnk+7gUd3QEKdGTDIx7qj"
    "O9VP1cJdGHSG+AMvQTh1XSjNPxKdwMiGQqIDcmKDYkjm96blp5Nx8CTMpf8VQ7uTHuBdNS"
    "wT6Ug0sX+yVuA55lS3EPAPpOjtHa1uw5gaiQw3t7Z7L0/Ww5w14hfGEbwU3utfZLD6iDIU"
    "AlCIGE7ySJlhO+0hu/XGD9RtE4dOhE8Vyooa5EtOg1qUY3mPHcu+7Eta4EJUKs63jLnTM0"
    "yYc21nmrZHL3i8XqyO3fl7Wh1s+rNo+eDb5VHJnt666Xw/JvAxZEB8TIIaSvrePhRwvX3I"
    "9Lx9iDve5CSnyUmvqkwSldQ6e/tNX+sD/+XfIesfaScX3y47g96ns+4xifysIqAtQCqYMb"
    "OhMc1zyiErYnQ1lkpVfMWrN0XGAxbLRliIm6mjoqzLP0bWPH6/Oyri+D/KdvwfxTktlasy"
    "TF5RNJC/GwdWRJTiMmxOEDaP21sJIkvsVVJ0y6cDJ6Pk6jTJitGTCW5WBLjk1aNcwfXxDi"
    "WdgvxIc/VJim3sv/oX5xnCXpHEZWuOXfJ/xDL51vxEob32rWdarsn4Abb3HPtqZFFEzgmo"
    "WRxVFhMgVhCHmklDl6ZbljaGjzSrZX62pyS52oOX2IOH7HZl1IEYWSNQllFt4OiwgDJwdJ"
    "ipC+Ct2Ooj7Z8a7JpdLyOsvED4QqKWHZo8+rLxvmj74Pr8e/eq97nXPS1r+1hRHpPV9yG7"
    "ubj62jv/ckz8L0P2udM7E1f8L/XYgkeFoHHTl1QpJSKjjgbiTZqkQQjs3yN1zDtzvPShFd"
    "UlUonX0ir2R1fcivqgoH3Zc+B+grwUtO9nlLqC9v1s0L66DZytoM6eA/9UU8bu85lYfQFg"
    "OYH/iG/QrVZaos14mXZuxk1RWhsvixcE+ECH8bE1OllihMSRTj7IZm66923yQGdu+MSFcG"
    "EJa0HIyrE84knynUz1BR7jRGxErEB9uB9JAn12/QAC8BMHF8VPqvIxOiTwcK7AOZhjok3k"
    "UJBney3bO5a5JszIky/RRkOGpITDnpzy4DiLAzLAI74cc6o7C3H0FVC/XHXcNjENBQDaZw"
    "DQesCHNREPO5q5FeShSU7LLUEentlRXDcl5ufyFNeN+8/gKs71i+TJId8zoiRQWALKtJc9"
    "G+2nkaeIaU9ZJfbJKnGiW5ayTDyjZQIx6G73kYpnT9gkQnfbedYIBNG7GsWCJc7pNiew0B"
    "H/vC1M9yizv8Dmm4iqCBoJkO/i1GjbP5JD7KWD4zoWwNeJPDkaI2qIeOBLBzoImg0sy57z"
    "9PO6d9S2H26UCH/0Q5zQFiCvyVodPWJhwIfAn7jKfMQDukU7S3OH/Uh5W+bIXD6WS8b2FN"
    "4Iz+8eMmhkhKEN0GbaQxyQkS1OXdYeYASFnonemT+C4CtZ4gUn/d6pMk3ssWmivB7UWP1n"
    "T/SdYojE58tluqsIm4akMs2yhWTPgJlGkJ8yO0MtEsY3kpswCTgZWKRsQ12EqIFGus0Hz4"
    "SUrVKMjpLVeKquag4tYgzNNoVmsLnc7BAhUvNDraAejeSpyuK0Cy5n737LMDu/FsXzWLQz"
    "BX6lbEmyYc0rCoVlro5l1u/ctLxk2WxfEiiurxOABq/N09fGvKjzMFXzVLotRJ7v/jTNn4"
    "DDCS/PM7ohfNt5K8sREdxvP+2KmMmiBZ0RA5nRa5U9bCS7C/l1ilZgMkURwP+R7wbg0kfA"
    "iW0ZgQNgBJquaY3aCBIU5nhHZ1wXluSkB2IXDSoz/X6a6YVYy1rql0TKWF87Y31NptieQa"
    "cz26VsvJCZJNPm2WSh3MnWXBXXJD674Ix7cSfmLChjO+SlgGNjRkUd8dvOL21xc+q5uhtk"
    "SsQLopB0So4tE4b5C/5RAsWhEPcEcE1Mqm1xRODhG3Jve06KA3jnrau5eD/nYtFDSlu9Vj"
    "QKSKQcDc+xV0oF/2YzuEnH+MWB1m8LAa3f5gCt38a5a7KZ52acLJeH7I3SKWBvuyKwd6ob"
    "tOSkHCJR1loFk1Y7j13uPG7o7b1tP5xSy3ykzqKVsu+IF8nddcxlYUTRYmmTFt10gBaPSb"
    "4OyAh6LrfZiHB9gUeGLxA4aZiGyOYudHlqSOinycXbSPClLPSRjGTKnVH0LrNvbWMBVHxO"
    "Hf+A8Oi2Y7ftC+xpYGe+pzADOlymsR/9iexvk0fd8uhfI8SQ2hg3e0dudW6OCXSkexHNan"
    "uuDHKFXcsC9jOWOvZ8n7cz2cCTp5GCa6FPdhWYetX90usPrjqD3sX5MQn/GrK/X3evu1r3"
    "exdxgaEf8WH6PNjAKYwku7JwVtS1Fs+XLrAePobs8qIPX/GzCvuL7Jeyt0uJ3VJqTHD2Ed"
    "HrhALvk4azjYOhY8tRGWd1Cunu06k20G+NSkOZ7h+nU+OgwjjISuGZmYkqM1tnsURUNdu5"
    "bjoVleFJA6E2LcPTGNXuMnztEWcdOrNKTg8+QRMQF7tfHoF5GjCBjQWPEnx/Ipd1gnqHqa"
    "yfyca4uUzWck9erq8HFKqzl+/syvCYPYur/AwqP0Md8jOo3AzPmZthNrOCNN9pmMjQ7XYu"
    "JHJVsDg8h+rje+Jb2tsCGIPNC5v0TOd8bjtGgSNRPy4Lc1FanrGaisjZaoNoC7/xDdq6MM"
    "ITuaNatYjX7DtiupzIeUdWIOzr6mjW/Td+lz18b61T9+o2G24bcIJ/01POZWvPYZpGMHnn"
    "CjRMWXjCd+APLZnbMoO8EaLYTY7LOAfXc+Jk11ZnkdTVqZPo3b5CsdYICdXRhB3/DrBycR"
    "YG2lmKaSsHOZdXizrMsmp+TDz0zj88ao0lJKOKBo6PLa4icSauv5Jk11hjydR5MUn084oL"
    "Sl49NRZN3RaVOBurLyx5NanFpeLioo5lfV5nlnKuZE9QzXWuqHPtmib1FGy/OtdOnWtXD+"
    "VBeSh/cg8lpu9vpbgmxfV2nk9yqdU97Yy81B3XxB/UILcLMrWZKw5tG5nGqE3mInQFFyWZ"
    "vlx3l1H60MQLPJwN6PEIuTvdwT946850uEscOrPh1gOjc2K6SafkrhpG52SBc+GORcUcPh"
    "m5pcQw8UlvPVc+nV/4QAQHOXIp98+6m3iYmkCkCPHvavIJqDGCxkch/3CQmp7ZmMQARyI+"
    "TdCy7bkYcYVvYjokRHZAboRDFl8x9VA/qFKkShCldGYMGaOwCGGy+pl4A30CI6BNuL3MYw"
    "8kwv1IRJaycFr8F+ihZXfmxMdv4jF+fv5+46OUwPJYRKzmHvqyYNGQYXs2B605/HoHpEOE"
    "gxekSaNHDbq2cAjPLN0/y1B5f/fT+xvt46UW9gSliiCOKkwTeN+5vhA79ZJp8FJI6+zsqm"
    "gEe31YxHAMpbIDxg4TZmPDhGkqO5XG01biSAU1tjyCiv7p4vr89Jj4X4bs4nrgXwq+VTES"
    "FxFKtkgSAsEjVzTg+m1aEs7sIRAjq7Eg6mQCxt1waVZHiBSjCzF6pU2WNSlFKRtoUtpfE1"
    "IKLNvPGlBBzjHSDQi6ZqOsSXKmwMIqQg7TKQnXWcLcnGnlw0sjRCrENGkVdqkzNZncBmZF"
    "iuVoHqnUSgUppus5Hnsoxe2AQDG4IIP1cXpGtTwer2iax+at7NiXZkUx1VY+sy+lmt3ZTF"
    "pXQet9bPzg3F/FyuznkeaY4OeQXXVPLq5Oe+dfMF2P/3XI+oOLK3HN/yKvdE/lhe7pkH3u"
    "9M7wt/w7ZKfds+4AL/hfqtgDNp/VZyUqPEEmTesqK/JVPTUedK2bzvdjAh9D9u3y6JjARw"
    "3sM6FxY/4v1ZZYrjhabJKpJWXV0CB96d8PD4+O3h++Onr34e2b9+/ffni1VJySt/I0qE+9"
    "L73zGHopLeY+4GhuCo9iQtlEPg8llQhLH2HfZ2fY2MpMW6t66jxtdW76Wh/mK/kXFp0j7e"
    "Ti22Vn0Pt0BitW5GfdFhhg8MyGZstC+LNrqLGkaobgX/Hw1hs/0Ixl/in+r2ibx/l3R0Ui"
    "To+yI06Psnnu0EnJhPJptA3k+cajfFd8K5lgPkGouF2G2ys4S0nsQk4VCsSQuZI6TprKk5"
    "eZMkGqDlRcJzFlwE7ddel05pYxZKcT7w7k/Gq7G4GNmbOjMMCUHVdedE6SWMXmlIjNUVEa"
    "2d28uVEaKqxgn8IKEMGuQgueObQgEEBGhEFIPvmBBpr/ngUDDjosQJq3Q/B9kRhMwOAZRU"
    "S7eyzh7vZcQtbFvbaPjYdtDhepy3z8+0r95sShd4hnt5MBB7tqGAMOLqCtSAzBpRxp/b+f"
    "YWwD4vRHAdtGGMuwwNMNJbreFiqWDi20EalvIWrev8cxZxsDMQRPHsLs43MekL49ZMJxNR"
    "Un2upjx+bLYpz8yzaZ/7p4AglUitEVKE1xuOIBGTjmZEIdDCigM2ye/uHpFiL1V897QEaM"
    "zjFLuQjaGMkIDTpkoNNwl5hGEKqxjOmIhhdIYvEYH2UGOHlCvXgjGcMhDnJpLcd88yMCRE"
    "v48WbPoP+cOo/mmGozx340DVr2PMcMcrUUx1PAhQZcGf7G6ZRhotSp7OEtHc74IUtPmiPN"
    "r+Pz1ytqZZ2p6S+xfVHfybK6/e3ZCT0okU1kTVYF8Y5NZQ+abTfAoq/S+NsULm1b/UV2Za"
    "i+PiefUHsDqT2t8t7cm+N7mRcXlCF9qYcKvcgP0iIPsLPlGEg5F6VN41geDjfVHyj3g1pB"
    "6QvOBE+JqN1OMxnxsyI1sFTtpkpTq8vSlqepqUDC54AlKsOUMkw991ra3h/DFIjq5J6OH9"
    "KW5uW93LUZ1idtjMUKLs4jbGUUzjKhyzWOke75ydXvl3jApfa1+3u/jSnxf+v0f8NfH8lI"
    "tCJOHBfkI3g+FM/B6jrloxeYC0FYNsR5sMlV+xna/1mW6qalWVBJ9lcpSIss1TlAs5REsc"
    "tRk7IVy0tyGaGrmNKybszOc9VuMKdlCUvMNhedDnVgL5S25Ph3chccfVXmqcUmm/8bnpIz"
    "ERypM3IKYsOfVtebircP3V4TsZE91WZm/cuebbPT/jVhwt1KaBwOqhIc9os3kLuvX70qsv"
    "V89Sp764n3YiuazdCCk+RwNtguRKKOfy6JsnvWxeyv/wfVHSg0"
)
