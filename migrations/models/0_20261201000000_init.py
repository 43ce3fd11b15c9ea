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
    "eJztXftz2ziS/ldQ+iWZK43WsfM65+qqZFvJaONYXklOZvZ0RdEkbHFNgRyCtKOdy/9+aI"
    "CU+BZJPUwxmKpRZBINUF8Tr+6vG3+15paOTdoZYefR0PC1Yz0aOnZap+ivFlHnmH3JKtJG"
    "LdW2VwXggqvemlyGisKK7Zfmd9Vb6jqq5rICd6pJMbukY6o5hu0aFgGxKbSpPODFFBkUuT"
    "OMiOXMVdP4N9YR3GPXVJff8Ijxp4eRZhGo1CAu+zq3VQfTD4hijKbs4f52Z3lEV6H2v4E0"
    "7diLaQceRbc0JmaQ+722KqQV17rHrDJA+X/+l102iI6/Yxr8aT8odwY29YgSDB0q4NcVd2"
    "Hzazc3/YuPvCT8oltFs0xvTlal7YU7s8iyuOcZegdk4N49JthRXayHlEE80/QVGFwST8wu"
    "uI6Hl4+qry7o+E71TFBp67/uPKLBr0YMhM4KhA57AYhrsGd3aIfgJ8XQ/9t/4pC0olwNxs"
    "qoN1aUVuLFgCeLac2/tNIE4PfXD1HvCid+tQUNnP/WHb48efsLR8ai7r3Db3IUWz+4oOqq"
    "QpTrYgU+/zcB//lMddLhD8rHFMAetAr0wYUV9qveE8AXALQDSFtz9btiYnLvztifb1/nQP"
    "y1O+Qov33NUbZYZxfDwZV/55jfArCj4ELnSwI8xt/dbIADmUaAnAPquPf7GGqeU/qnGQbz"
    "5Zfu7xzn+cK/czm4+hQUD4F/fjk4i4HORmHjMeWdPrMsE6skHfWVUAzzWya1K9CDcWa/oJ"
    "8NBpcR0M/6cVRvvpz1hi9fcQ2wQobLL/evxjGoNQcDJIrqJuG+YHdcY47T8Y5KxjDXfdFO"
    "8OUA3/oW+4H6gJgLX895vaD/pTcad79cR7Ry0R334M5xpBsEV1++jQ1Dy0rQt/74NwR/on"
    "8OrnrxKWFZbvzPFjyT6rmWQqwnRdVDU19wNUAtonXP1itqPSoptV4XrQcYhdTuP/1K649s"
    "iQNoJFTeJxkzWUgipmoG166U+2pXmr2HJ/j1+NXrd6/fn7x9/Z4V4U+5vPIuR9li6IQV8N"
    "1DaBkGF25V7eFJdXQlcic8nWlsuenSlAnNl/z4eYhNvhxNgdrf4XRFLQfYpX4Er1VwNe3l"
    "VG0D1kybgmQbn8XCaw1G/ih5UBB51N+qVsfnhuIiC9BDQQd6n3VsZfXH5K358Tx+RSXqPf"
    "9J0Da0FOtvKcaGUFfMNjKEe/1628IIs/WUS5FKdGSrlD5Zjs7+cjDCRHMWNlMVehnfv/u3"
    "YBfLNvG/dFAXTT3Kfo7CdkXG3JtPkXWHjtCcLZop8ohpzNlCUE/aGPba+oRMyPlvvfPPIU"
    "MFRa6BuQ3DdvCjYXkUPeHbmWU9IMqfDbkWMlgx/N02nEUbqcH9F6xq9lL7lhBRKPgJbf6D"
    "bi13Fty5GV5KW4e0dRzmNlzaOqStQ9o6qts6xOTEfnPKrheGkB7x5hzvPns4lWg4ufuN1L"
    "C/9711Aw3fsHY7o95o1B9cjUqO261A7hQF3ybkS//qZtxjl/wv8XVBkWHofYFR6H3mIPQ+"
    "PgZFFhAldqoJuf3tV492NdxvYb8ahtY0NEwo1hWKKezqU7YSmfCmykqI4xBTw1YcrJopb2"
    "72GiUiVGlMqdl2LTpAvDo5LjBEsFKZgwS/FwXaX/wrYnOQMnsaRHUW6XgnZeOT6MLFtFlL"
    "lzNYeIRnUQbuWf+qO/wjfe0SlA8vz8/+GPe6MT0EuzVlE4XkVFJRMzXrEPVRjML3z5hWsP"
    "wXq3ELHoHDUV7NHQBJv4+D7w34bYDBUo+eY5aZrvLqaN7sdXz0usgKF4plzl/i5o/1mphj"
    "Bl+KeanY5mRNlTXWTetTb3yK2MeEXA9G7Ct8VtmMFDGJZFtEEgaR9FedYqesGWptRTVWTt"
    "WO8+ZNkX7z5k12t4F7BRQSWHvLLTrWViWXHhWXHux3e1jBj5i4VeeYnCoa2FN2NMWkglhh"
    "8FpXTwM1souxKw3GakPXuprkyFVx5NIxp4VrqmmyJ1NU2zYNTcwQ5bx+ayvawCF4OGpa6+"
    "eLGM4crG2AeGYFEmlJ+Gw29U8SPn9GrUvC5/69O7GwsbJTVLr4NrlBBztDJXi12agnIf9o"
    "Odi4J5/xImEgS2dBpgQLHibSCUYku+yoT0vWWtY7xyBhQGBBlBiyYWbYP2dveyEys+TpSp"
    "7uJuiwZTrbp8K2iJW7M+43RGoYVHfOa2tQX051eLPfbLBJ2sAbwvZN1HchqivSEw8SttB+"
    "cOMRa1lTk8DaKYNeDPJpBPrl8J/Dnw9NNOv5810Up5QDo5yiKdUsG0+B/w3scuuJqQ2JNR"
    "llD2wRjO4sB3UvvvSv2gh/Z42YC04VZ0X5LS4GJHHEq6JJ9vwe2wbufPfOZRdU5Fgufx3R"
    "dOma913yM5XOeLYAVdMwJ+97xDXMZMGV737aQdNgg3+7UP5jytn/xILHgMUVAlW0J+QWay"
    "qb3+DJFsjyXBg++GNyYcuR7PoDZtfzl6yq+3kpXGcaeIt3tlPR5yZk1Bt+7Z/3lOvh4Gv/"
    "ojcEcmz0Cutu5+eDm6sxkxFfqvilX70tQoGLWwpCDLi3cW8C9GxKWQuPOMOztl5j8Tpqrb"
    "iPN5eXpwg+J2TY614og6vLP07R8uuEfOqOe9+67Jr/pR6KkhErO4xYsb1btihLtcNkIxwR"
    "aiDM23+HQ8uKcp7KmKDk2bY3pXNWVkVWDdJZvCWVbIFZKxm1NfewJB1rcd2ZKnWBHVPF1b"
    "auLvkm1PlN4NvxSnqPSkot11nL1Ud5OaofjpbZQGw9VOvLEUmp5TpreZO5Ws7Nh6TpkGV7"
    "IxtnWj01pj83xtoZwv0BL0ryblKFJS00E2GgL1SHOCQtMZbU22aTMCX19mfUuqTe7p166y"
    "dTLDktRaXkdFRzOnNjUK47m7meQG+ZzJwyfGwB7OJZmA8U5OiYWZoovks+4aV1b5CPqmF6"
    "Dm6lsAoj99t53EITSip3omhhhiGUxzqyHGRjApRjpLounttwzA6DjN26XaCpqNudOZbrmh"
    "hS47bR08zQZujJMVxMkeGiWwy0OpHv1g/cBbqeNsPaQ1p+3j22DQxD1iuQinhlbTSl3u2/"
    "sOYKQiHwAFlj4D2G7L5QC/51zh4OsbURw5Kilza2bBOjucH60gNmqzsEfSiUVxg4gfgXkZ"
    "x3SrDLrj5M4eqEaKaBifuCIv9yB4ln0Q2qmRYNTjyCa35znIgIXMW0R4MAXOy8oIJ7KVqM"
    "XDd0SVg8ZMKieDWTGsglpayEJCGlXZH94PfPdENqBrNtJdJA1tX2yW2s9Upmg7BcA40Gh2"
    "skELahxObgeRZT1/50fG2ZhpYapBErkbugCiZ3xYbCRtE11ZjNxQasuU0RfvNilbsf8ZoW"
    "pwjCJBzrqQ2TPo+ZELEMMI3775Y4qeDOcChbDc1Ucp+2hNptU81eQBz5//3KP97Bx/vgT/"
    "+/V4e1cJgbBBJFB8N3QgGZVrqk4B6NdYeSBplgrFNFN+7TMq3nJraPSe4xu/3yysGmtxfY"
    "0cX81koJCSkA+0pU4l4CdwffeRRTBud8nmbxz0U+KSxPdJCnV/68vjXpUf0ZtS49qnU7vX"
    "KXW8+ROEOklbLnDG618zab4TNICtjtCbJsTJAv9QH59nPDRcK1wW3IsO/roGmY1skN3pBV"
    "0KA4iOFny3/PxSkG+h010ux9ZXMN0zIwVQam1so0uis/AKd7smE+zbme/aZHpRr4qh+/Kf"
    "Kus1I5GaSTOR+Ey7MM0CGRBqK8fZ+L3FBmQ3+YW4siG8qaBQLVTfMHoulCkUA1it+Uat6d"
    "mivEsGwncOWAlFqdxOrRrRBXCyY5rSmka5mUoReqVjRKDnuK7SVQR7bhZZnYdjf5GNtIpS"
    "Ij4nWf5xvsIPDaC72Ha9Ksua06UBsG6iGE9U23k5Zxs0cA7uR0SYVYZmHsOvcWOX5BESYa"
    "A1WHBuZtZBDN9LiViNXEVOEycDlDkaqmK60/B2z9kXkUDyaymPfeMjvqpUCd1VPZalFkQ8"
    "1K5VgtElvq5fiYRHmMv2e4biJCjUA6b3Xd+30cWVgHeKab5oLiIfzPwVon807uL+9keI4v"
    "814nBBsB977f7SWKFLtV8qwlxeV2vtbb+blHXUXwbfPOTMwjWmVVsUe61TN5frZHt2I7Pu"
    "MxZVbJBX4lJJltxaHmZmURzlfRJh0Wltmp6jy6SadT9kKuuU4nyWJsmtYli1HmhanrpCjz"
    "wtQAZZkXRuaFOVSQN8wLE37TV+zt2DayxHF8IaL4gS1usgDf6VF88VMyU9y/KQdpZnuCUw"
    "/xXO8Vnt4xEezYDCBgvgd+PkGOpy7rdDr/h/0IRLHrstL0A1IRnHh555++KBLeUGRBZpmn"
    "mWFiYNnPVL8Snh6GpFD099g29wP7FGP/kC3wD4MvGBPNWcCRfB3Ud0UGnFUJ1rnEuXu3lj"
    "uDh4BAdP4d1Ilecn92kDgHE1AGE3Dwnx4wkybkERPdctro1tMesNtmd+65e5UV57WAQzuo"
    "RTqYD9jB7Ou+pCUuJCUDfMuYPT3dYGOv5czT9uoFz9qL1bE/v0+rC01/5C13vlyflHzTW9"
    "+6X08R+5gQJnyKghpK+uDeF3DBvc/0wL2PO+DECKeIAa+qThKV1DqV+7eRMmL4i38nZHSi"
    "nA++XHfH/bPL3imK/FlFQTugVhDdtlhjiueUY1jE5Gqslao8i6PXRfoDFMtmWvCbqb2irO"
    "s/JtY8vN+eFCEAnGQTAE7iSIuVVRmQVxINxHfrBIvImrgMzAnB5qG9k9iyxG4lZW25Pp4y"
    "Ki6PlqwYVJlAsyLRJa8e6RKuj5co6RykJ4qr3qfYyP4+GlxlKHslEtetobno/5Bp0J35i0"
    "J77VvPMF2D0A609xz7aoAooucE5SzOLospECqIU86EwUtRTVOB5MFp1sv8NE9JcbkHL7EH"
    "DxnvyiwHYmKNYFtGVwMnxwUWAyfHmWsBuBWbfYQRVGG7ZtfLiDYvEMaQqGWPJo+RaHzE2+"
    "7cXH3tDfsf+72LsraPleQpWn2fkG+D4ef+1adT5H+ZkI/d/iW/4n+pxxY8qgSFGr6mSi0i"
    "MupoIO+kSSsIzgEM+y7KrCVShTdaVRzOWnEnywdJ8cseAw+T7CUpfj+j1iXF72ej+NWt4+"
    "yEffYcPKiaAnvIB2SNOIvlnP0P/AbVbKVl2IyXaeem2uSlFW1ZvCDR5zMwTdyZ6qIlU4ii"
    "J+wsmTZPhjtrowdsuz6PJlTOo/x4qvkpZ9X4eKO5uuB3LGCqCCrL7QKxMThJ9dlr65zsE+"
    "UWJc/JCpg5gW8zyslpBwkmDBJutI2oJX4G/tNTTdEqZbtvPCH+URUiPQVrd646CygAjb9c"
    "vaJtZOiS6nPIVJ/NKA4bchv2NEZLckOT3JM7Ijc8s0u4bsuVn8snXDf0n8EpnOsBydNDvg"
    "9EaqCwBqQRL3s0OkxzThEjnrQ/HJL94Vw1TWmDeEYbBLDN3d4j5s+esD6E7rbz7A5Al3cV"
    "DAULJ5xk0N6ziY7t5eF4X4qYNNsT31zDICJiZsSVi95lb9xD+LsG+3+2ORfNIMvUmTTbb0"
    "PEDOJPeu2wNwPO2jZN64mmpZjcfaN+MFEixJHbGULWAjjQ0r+LVJffgclkeUo3tBccpz23"
    "Hnnkkl8D2xgvZflDg0XDcuasndSGedpMU+exTmhq8eOUlQfWZ5bPZDv4zvgetC1KsAcc9S"
    "+kMeKAjRHlVz6NXfEcyAqnGNvw+fKV7it6piHpSrOsH9kjYKbZ46fMwFCLHPGNRJMNAk4G"
    "zyjbNBcRaqBZbvuBMaHFVimgo2I1HqqrGkCLmD+zjZ8ZMJcbHSJCcnyoFY2jkZjKTE37QD"
    "l7J1wG7PxaJOaxSGbM8ErZkmRTllcSkqdcnaes3rlpuceyYV8KSNQ3CS5jP5umz415EeVh"
    "qeYt6XYQVb7/AzR/AoQTfp1ndDz4tvNWlushuN9e73ywRdGC7ofedzbS+YnBDELZ1C4s8I"
    "5KqCqMwQYBsqE2Q1PxJqFf52AgRnPQDvt/ujwqPOkbmLJFsGGmHHK1x3al0f4wjfZchWXt"
    "9kshabqvnem+JgNuX8dz23Ix0RYid2TaqJsslDv0GqviiuBkFxx/BwQjGzyfmms56CX4Us"
    "UJfog7PMFw+0sbzT1X5HEEx2yoLSj4ISCHs9vU46Q1Pqy2+XmAx6/RzPKcFB/wXluWY/Bh"
    "jsH85Sht+1rJSAKRdDc8x44plfSbDXCTDuyLE6zfFCJYv8khWL+Jo2sQ23MzzpDLY/RG5S"
    "Sht12R0DtXdVxyUA6JSJutpEfLHcc+dxzf8O3Msh4usGkAqbKVst+IF8ndbTyJwsCehdIG"
    "LrHZgDReHTRlby61yBRRdUHR02wBrMo71TCxLtifBuU/IrS0/4CmIpXOdHkTwlEtz2W7Ba"
    "Ynm706Kenr99AmZ5oGVuUZZiOdQ0U++ulfAHMbPaqmh39M21wazVX6wHYtoeBguUc54D1K"
    "NqdkPQlwI2LJvqJMh71P/dF42B33B1enKPzXhPzjpnfTU3pfe0D5C/0R74fPQ/ubs55kVV"
    "bOSrrW6vnUY9Czjwm5HozYV/isAn+RTVD2HiixBUoN8M0+4XmTuN5DWrbs4lzn2NxTxg+d"
    "Irr/LKgNdEnfWnqKBSD79Y/LyX5QoR9kZd7MTCCVmWSzWP6omm1Ht51BSveE1U+Zl8E0Jr"
    "W/xFwHhKyDbbPk8OALNIFMsf/pkYGnMBCIxjFK4L4mBXVCeo8ZqJ/JcLi9BNRi013uXQ8k"
    "5Mte/mWX1sTsUVwmW5DJFuqQbEEmWnjORAu2bQbZudPojqHb7Vy246pgQfM3P0AUhRBFro"
    "ERVrUZ8i3qL3gaRQfBMyHXQgYrY6uUPlmOb6PmuQ/9OzfDyw669m9TbnBeHZOaMITvvXVp"
    "zz5Me3bZY/A2Ov+ubgPcrokh8G96SrjsBXFYphEg731NrJomnLkd+C1L5p7MEG+EKvaTgz"
    "KO4GZ+meza6qySuvppEm83WwKUnQLy6mjCJn4PnLY4hMHCK8ValcNwy6tFHitZNX8lHD/n"
    "H+O0wRSSUUUD+8cOZ5E4iJvPJNk11lgzdZ5MEu95xQklr54aq6Zuk0ocxuoTS15NcnKpOL"
    "nIA1Kf1z8l/SXZA1Rz/SXyhLmmaT2Fgy9PmJMnzNVj8SCdjj+50xHS67dSvI38ejvPzbhc"
    "1RVJ5Q6FRYwJeOiWh7O1ka06rgHlsA7nr80t4vLz1aaGDlEpPM2JpjoQysPzoLCXyXFFHv"
    "QHNpiSIDP6neFQOB3Othw3La37fh8AAm8KnOO2Og+Og8k+CbrFSDfgyW89VzySL9ThIT+O"
    "mOLFmXQEYcqehHUYxNN7QF55KKKIx8D6lAmF3MFBknliQSIC6KXwZG3WpqbCWXjiKSzPhe"
    "gp+FWGg0Li4my6JXYvKDItcYdVOiF+zoMZdvDqhxkuILagEGlk6AxPTGI57lnvuTPufW4m"
    "0mYquce0g5jKrDkbktj6OPywkNbe5Yn5mR4nZBWqBBLCk+yCqtTVcwZ+4eBhpQ/4gH3A0b"
    "e51PSekJTxvtFl0z37vU/qgu/XS6auSxGts8uroins1XER8zErlR0JdpwwHusGG6myE1+s"
    "txVHKqix/ZEt1M8GN1cXp8j/MiGDm7F/KfhWxVRcRCnZKkko5M6x5gpD/TYtcWZ2F4iJ1V"
    "gRdTIEw564NNQRIQl0IaBXa8eyhqWoZAMNS4drSErhWxMK52JX0XNMdAuKrlkva5KeMYOw"
    "ipLDclLDddYwNWylfNxoREjGjiZtwy525gYR28CsELCclUeqtFyCFFvrOR55KIV2ICABLg"
    "iwqqXnP8vDeCXTPJh3smNfWhb5UFv5nL2UavZnM2kNg9ZH0Hjnyp/FyuznQeYUweeEDHvn"
    "g+FF/+oT5OHxv07IaDwY8mv+F3GldyEu9C4m5GO3fwl/i38nRByryi74X6rYA7afrmelKj"
    "j1JW3VVVblq3pq3Ola37pfTxH7mJAv1yeniH3UwD4T6jfGv7GyZHTFOWP3maukrBoatF76"
    "z+Pjk5N3x0cnb9+/ef3u3Zv3R8uFU/JW3grqrP+pfxXjMKUF0weI5ubmKKaUbSTqkFqJQP"
    "rI9n1Who2tzLC1qqfOw1b320gZsfFK/MsmnRPlfPDlujvun12yGSvyZ90mGAawbbFmyxL5"
    "s2uosaZqxuNfYXjraQ84Y5pfh/9KtnnIvz0pEnd6kh13epKNuYPvS6Z/T5NtIOZbj/Vd4V"
    "YyHXxCUKJdBu0VW6UkdyGnCkliyJxJHSdtyZOXcjIhKg9B3CTjZACn6rp4brtlDNnpwvuj"
    "Oh/tdiOwNXN2lO+XsuPKi9FJCssInRIROjJWI/s1b26shgwuOKTgAuCxywCDZw4wCBSQEW"
    "cQ0k9+uIHi/86CYQecrW49AZtfJQHjPKClU8F2b4vIALadoTyRmE9iDx2BgRx8B6enWsmw"
    "gm03AGEDA1ZRJALgWvSc0T8u22gaADD1WfWWYNNrFl8sqaxuHrNgAnvfoPzhjGUpwlCFZ4"
    "VnW/LvJ4Q/ZgdxP9Ccnxerao5Fl2V43IPDT2NH/7IM4ocJ8GAK3grXET/gsIPGjnF/jx3K"
    "fjC2gf2P//RUEyj4q2dnv3NK8BNkFefhFjwmAR6QrVQog06Hh4S/l8EY0YgBIcsf4wN/3Z"
    "A4K57/MBGHwQ9WaS17cvN5/rwl+Hh9YIR+ip1HQ8OK7ViPho7LnqmYIS4n2Hh6t1B/K4Nv"
    "XE6aG0qdjx7eqMG4H7LfpLnH/Do+fh5iM+tcS3/iHPH6zpfVHe6bnVjdJDKFbAhVEMvYVH"
    "jAGLsFiD4Lk25TUNr1ohbgyljQ+kiuWcwGWlu/kP2i2hDR6AdZsRWQWCKpYmnJ1lZwnHQQ"
    "rDpXHzD1A1Hp6mTqlKjY7VSbEevKM/Ia+s91gtzBrsJk6N9zEAmlKUmakp57nmwfjimJqe"
    "p8hrWHtGl3eS933mVzk6JBsYIT7xRa4eaJ37qj35TPvT+Q5bAJEuY4NlP2rs6Hf1zDeZNw"
    "a/QBTXnl/CBvLgUxoWjKng1U01ndxHSanI533djPMgk3LeWBTHu/SgpaZBLOIX2lpG5ddp"
    "OUDVRe2smIXMUkk3UDO89tusUskyXsJ7ucTrrYYRubtMnEv5M7lairMuumkWz8tzwkZ7Ip"
    "UkfkFPaEP6xuNhTvnka9IXsie6jNzMOXPdpmJ+JrwoC7kzA16FQlEPaLNxDdV0dHRTaVR0"
    "fZm0q4F5vRLAJ2mSTC2cS3kIg8Y7kk4+1ZJ7Mf/w8ITvf9"
)
