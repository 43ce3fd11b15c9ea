"""All tables, as they are at the beginning.

Names and constraints that models cannot say are listed in `app/database.py`. `calls` is partitioned by month of the id (a UUIDv7,
which begins with its time), with a default partition for what no month is there for. The account comes first in every key of it
but the index of ids.
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

CREATE TABLE IF NOT EXISTS stored_credentials (
    id UUID NOT NULL PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    vendor VARCHAR(16) NOT NULL,
    endpoint_url VARCHAR(2048),
    access_key_id VARCHAR(256) NOT NULL,
    secret_access_key BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_fingerprint_unique ON stored_credentials (account_id, fingerprint);
CREATE UNIQUE INDEX IF NOT EXISTS stored_credentials_id_account_unique ON stored_credentials (id, account_id);

CREATE TABLE IF NOT EXISTS calls (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
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
    CONSTRAINT calls_recording_credential_fk FOREIGN KEY (recording_credential_id, account_id)
        REFERENCES stored_credentials (id, account_id) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE IF NOT EXISTS call_keys (
    id UUID NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    gateway_call_id VARCHAR(128) NOT NULL,
    PRIMARY KEY (account_id, gateway_call_id)
);
CREATE INDEX IF NOT EXISTS call_keys_by_id ON call_keys (id);
CREATE INDEX IF NOT EXISTS calls_by_id ON calls (id);
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
# Nothing changes an audit event, and it is deleted only when a pruning says so.
TRIGGERS = [
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
    "eJztXWtz2kiX/itdfElmi/E6dm7rbG0VsUmGjWP8GhzPvMuWkFGDtRYtRhcTdnb++57TLY"
    "HuSOJiIXeqgkHq0y09p6+nn3P6r8bU1KhhH/Wo9aSP6LVlPukatRpn5K8GU6cUvqQlaZKG"
    "OputEuAFR703uIwtEiszLzW/q97bjqWOHEgwVg2bwiWN2iNLnzm6yVBsiGUqj3QxJLpN5g"
    "+qQ6bqI7UJXreJgxcM03yEb5TYcI3QP13V+ERsSskQHudfecKj2WJ4hCVq5giK1NlkF5m7"
    "TP/TpYpjTihIIGb/9d9wWWca/Ult/+fsURnr1NBCkOoaZsCvK85ixq/d3nYuvvCU+OD3ys"
    "g03ClbpZ4tnAeTLZO7rq4doQzem1BGLdWhWgBa5hqGpw7/knhiuOBYLl0+qra6oNGx6hqo"
    "oMa/j102Qr0QePMj0CFzdHhgyz5idK7o2n94jxkQUZSrbl/ptfuK0ojpFh8nohHv0shkWC"
    "905iBof/0t8l2Bw682sIDz31o3r0/f/8LhMG1nYvGbHLrG31xQdVQhyhWwQpz/jWF+/qBa"
    "yZj76SOow4OWwdu/sAJ81QB8+HyAdgBpY6r+VAzKJs4D/Hz/NgPiH60bjvL7txxlE9qraN"
    "FX3p0TfgvBDoOLDSsOcJ/+dNIB9mVqAXIGqP32733MeWrbfxpBMF9/b/3OcZ4uvDuX3auv"
    "fvIA+OeX3c8R0KEj1Z8S6vRn0zSoypJRXwlFML8HqV2B7ncu+wX9c7d7GQL9cyeK6u33z+"
    "2b12+4BiCR7vDLnat+BOqRRRESRXXicF/AHUef0mS8w5IRzDVP9Mj/coC1vgEvqHWZsfD0"
    "nNUKOt/bvX7r+3VIKxetfhvvnISagX/19ftIN7TMhNx1+r8R/En+2b1qR4eEZbr+Pxv4TK"
    "rrmAoz54qqBcY7/6qPWkjr7kwrqfWwpNR6VbTuYxRQu/f0K60/wRQH0YipvMNSRrKARETV"
    "ANeulPtmV5qd4BP8evLm7Ye3H0/fv/0ISfhTLq98yFC26Dpx2jt+DEzD8MK9Onqcq5amhO"
    "4Eh7OR6eJDxAc0T/LLtxtqqE4y1N4ipSVyOcAm9bdfrfyrSZVTnek4Z9oUpJn+TUy81mDk"
    "9ZIHBZFre6vN8vjc2jTPBPRQ0MHWZ56Yae0xfmt6Mo1eUZk64a+EZWNJkfaWYC8INMV0O0"
    "Gw1a83D/QozKccm6hMIzPVtuempcEvC5brVDWoRl7zZTplI2vBhXCt/ssnosJC/6c+dafE"
    "HJNjMoXpsU1cZuhTmPJpcUvBjsoZsAE7/619/s0mD6ahCRPExETbg2dDOOO2h5lFn3TTtc"
    "mc3j+gQcLmz8MfR4fHokxrQlne3VdQBFRYbsUIPXGT/2Km8wCvhU+kDpif41yHiu86PLvb"
    "m0tpz5D2jAMaK6U9Q9ozpD2jvD3DtWE0V+CdE1a22IW0mTvleHfg4VQ2ovEVbiiH/dX3xi"
    "0WfAvlHvXavV6ne9Ur2G83fLkz4n8bsO+dq9t+Gy55X6Izgjzd0MccvdDH1E7oY7QPEgh7"
    "84kCq9GY3P7WpMe76u63sCYNQmvoI8psqik2tXHlnrBcSIU3UVZCHIXY1meKBXPlhJqbPk"
    "cJCZXqUyq2JAt3EG9OT3J0EZAqtZPg98JAexN6RSwREkZPnanWIhnvuGx0EF041K7X1OUz"
    "TjyCoyiA+7lz1br5I3nu4qcPTs8//9FvtyJ68NdsyiYKycikpGYq1iCqoxiF/pzpIFbCup"
    "8vxy1Y/Q9HeRU38sf3diw60fHdEIOlHl3LKDJcZeVRv9Hr5PhtnhkuJksdv8TNv9drYkoB"
    "vgSbUr7FyZosK6ybxtd2/4zAx4Bdd3vwFT/LLEbymETSLSIxg0hyVbepVdQMtTajCiunbM"
    "N59y5Pu3n3Lr3Z4L0cCvENv8UmHWuzklOPklMPeG+XKvSJMqfsGJORRQ1byo6GmEQQS3Re"
    "6/KpoUZ20XclwViu61qXk+y5SvZcGuXs7ZFqGPBkijqbGfpIjBDFtvrWZrTBLuDhqGntPl"
    "/IcGbR0QaIp2YgkZakznrT+ySp8yVqXZI697+7E/HuKjpEJYtvkxB0sCNUjDubjnoc8i+m"
    "RfUJ+0YXMQNZMtMxwafvMJGOsR7hsqXOl1S1tDoHkAAQVBAlbqCbuemcQ23PRViWXFzJxd"
    "0EHZimwzoVl0WQbqxPNkTqxs/unOdWo7YcHnsc6OQ0BebgnMKpGhvC1uP5nS+zqytuvn0E"
    "XlqHyY1ON8TtTuR3IbLL04MdJGyBdfTGPf0yp7qChWaeDVE6hyzqDM8WpgwIUb45w8GgtF"
    "MXFTHDSvJQWc69MhxUArO89Q4qLcL9O4gD3SsZ2iNzRofEMblXhzkHXRGxCrLPSOvie+eK"
    "PKg2YSaDrHgS9LuwCf0JhRgLvKRbdtw9ZSeloHPKhYtFEJVYpsMr4SubmNC7G+qMDJe0F4"
    "/uApk+DImBfjI8V0Pz/VR0RlwYS424zIoiM4QCh74h7X6h/MuQmK6DYwnPDSAnpiUcW3hg"
    "Dri4IPaMqo/ck4VpeMWiYxi8uWMOM8lYrH5Q1pYOLYfm0MKrcfJu3HrGx1K4yp4XDd4YvT"
    "Y5YL32zY/OeVu5vun+6Fy0b5CPHr4yYK3z8+7tVR9kxJdoV5CLdvo+D+s0apwLkE7fRzfw"
    "1NGI2jaU8ERTNrPXayyaR6UV9+X28vKM4OeA3bRbF0r36vKPM7L8OmBfW/32XQuueV+qoS"
    "jpJLZDJ7GZew/z+UTTZzrCIaEawrz9OhyYbRQjB0QEJbW9uSmDurQq0nKQ/IwtqWQLZHZJ"
    "Yq/4pmZ8LzuqO0O1HSSkldndXpeXrAlVrgl8vV5K72FJqeUqa7l8Ly979cPRMnTE5mO5th"
    "ySlFquspY3Gavl2HxImg4YuTeycSblU2GPg9pYOwO4P9JFQapborBkYqcijBs+5SEOSEuM"
    "Jdu93rxnyXZ/iVqXbPe9s929GKUFh6WwlByOKu5BUBuUq+5AUE2gt+w/kNB9bAHs/MHNDx"
    "TkcJ9Z2DdjlyzCS3Oisy+qbrgWbSRwCUP3m1mMQgNTKmORNDev0LEWSPEDYaTXcUocZkG1"
    "JvLk+G/dJvcU+XtTVaNnROdX5pbuOJTBHU6V4+GlPQ95vI3nXVGNqE4Sy3DnZSLncGi79/"
    "9DRw4/lEtF8h7cww1i5PmhKP11CoUSmP4AXHaTzJH3R2bUnBmQN7SQQIhuxzQ/kSGjDvx8"
    "9I75wtTwXCMMjz22zOkRgYZHVCjay1K8yVy1yRhqn0Yc9ZEyQThEZmHSM6n2I7WQHIlsy6"
    "ZPRyS65ieI8RdRQpOsxINjJYrKGYc9k3myEpKsk2ZJioPXiJOtpSn0tZVIDalV22ewQeml"
    "bANBuRpaBg7XEiAMQLEVwPPMmK69UfnaNPRRov9FJEXmrMkf45UZJtbzTpzucOxdzQ8eVP"
    "QvMGFmckZMRollzv1TMhiO6jA3Qf8H4dHgVSw8hgMdDOgTOlY8qGySdGTILguq94zh2Pv3"
    "K//4gB8f/Z/evzeHNWmY6gyDr/tdd0wBqWa4uOAerXGHElqcUarZiqZPkk4vyDwsIiK5xx"
    "MjllcO9sgIgZ29mN6bCT4fOWBfiUrcC+Bu0TEsIm2AczpNMulnIh8XlqekyFNfX+7mmdwy"
    "fYlal1umVTv1dZfLzp44l6eRsN70bzWzFprBc33yGOa5OV/YeIWbvYPnM8LKjXQZXRrJ+S"
    "X8InY0tE9kGGRxclM1VErnYewavis/rAZchyYZ5vdSZr1XnTWzU0tnVOmMWilL6a62BTjF"
    "E3r+pA319JoelqphVT95l6euQ6qMQO3xOA9if7QI0AGRGqK8/S0YucZMh/4wVxt51pgVc/"
    "6pmuYPRNO5vH8q5LMp1bw7NZfwW9mOs8oBKbU8cdW1t0JWzRlLuKKQrmVPBipUpaiTHPYE"
    "c4yvjnRbzDJ+9BYjLzYJJ/pZpHXdEaECyZAiwxAd9DzKoOqQqfoIGTlz0yceUrFXb8M7bB"
    "CRcRulc9bkkg8hwjCCYMuamOxEkBKJQ386TTJTLRBwMNojcg9s1cDgjCPD1V4Es6BmNh4Z"
    "IfFgfIZ5ky6ybl4KVFk9pW0TeZbNkCrDNhFbOC87zTjKfej7MlD2hWqBdNYcuv17PzR99v"
    "FMNsD5yQP4n6NNTkaU3F9EyeCYXqRexwRrAfe+6/YSRZs6ZSKoxcXlor3Si/apazuKINpm"
    "HUCaxbBKy2KPPKtn2t/ZHs8K1nX6U8Kokgn8SkhS2vJDzY3HwgGxpOU5KCzjTlW5d5NbS+"
    "kTufpuLUn6Yt20LumLMuJLVQdFGfGlAijLiC8y4suhgrxhxJdgTV/RtiPLyCKHga4Y4gc2"
    "uUkDfKdH60WPnE3Y5E04lTZ9vzfxRNz1e7/DMYhQawYAeax23EP1IrGI82L5H3gJYlPHgd"
    "T2J6ISaNmQiFdAm5gwMSTzB93wosVYeETqctMVnbjj2777KljEyREUYu/gLH+72KaqgdR+"
    "EMUt3uHqNrSpIQ9gc286D+K0PAxJw3+hx8BrvmX9i3BLH1KGSgAJ7q1JnijTTKs5YPfu6J"
    "E6TWLRCd9IhbQ8B/GSUz8XuZt8aLvJnsILmt0CUtKNt4iN09V06GhNa5q0MM95ZF4kj/1t"
    "8jRaWPQXXvLR9+vTgjW9cdf6cUbgY8BA+Iz4ORTccPuYY7/tY+p228fobpvo2RTR05XVSS"
    "yTSkdkv+spPcBf/B2w3qly3v1+3ep3Pl+2z0joZxkF7YBHwbSZCYUprlWMThGRq7BWypIq"
    "jt/maQ+YLJ1WwW8mtoqi+/wRsfrh/f40z27/afpu/2kUaTGjKgLySqKG+G6dTRGaCReBOS"
    "ZYP7R34i4WW6AkzC3Xu0iGxeUJkSX9JGNolmS1ZOUj93+rsyUU3wm0TxVHnSQYxP6z171K"
    "UfZKJKpbfeSQ/yOGbu9scyiwwL53dcPRmX2E5T3HuhohCuk5xi+LUskiCsQMovwyYd1SVM"
    "NQRvCRZKrMDuYUF5dr8AJr8ICxrsh0ICJWC2pleDZwepJjMnB6kjoXwFuR0UcYPRVYNTtu"
    "igN5Dp+FWC57NHn0ROE9XvbR7dWP9k3nS6d9UdT2sZI8I6vvA3bXvfnWufp6RrwvA/al1b"
    "nkV7wv1ViCh5Wg2LqnqUKTiJQ8akgyqdMMghP+nqilj/XRcuMs71wiUXijWcXhzBV3Mn2Q"
    "fL70PvAwmV2Sz/cStS75fC+Nz1e1hrMTqtlzkJ4qCuwhn3PV46yVc/iP/AbVaCTF0YymaW"
    "YG1OSpldEyeU5WD1QYj1CjkiUxiB/T5DFr5rrz0CSPdOYED1QIJhZcFuSpnIljmwTuZKou"
    "8GgmYiJNBfLD9Uic3bPvB+AsnyijKHr6lEfMIf4O54qRg9EkmkQ0BXFe17K8MxFVQg89+Z"
    "JiNGAoSmxYk1PbP61CEnoOjdCzGZFhQwbDnnpiSWGo0ybkjigMz7zxW7VJycva+a0a+s+w"
    "9Zu5z5Glh+ydDqmB3BqQprr03ugwjTZ5THXSyiCtDNLKkMvKgHxyp/1E+bPH7AuBu80syw"
    "IS4h2FYsIC52jrExjkiHc0FgZpFOFbYCFNeFYEF/yIOz/V2fROz+DrYv9kjQXgOhEnO6NL"
    "DOEPfG1BBUETgGGYczv5PO09le35C8X8Fz0fJUr8ayJXSw1ZC/Ah8CeOMJ/wAG1eztJ0YT"
    "5RuykiWy4fyyEjcwpvhOdrDxgUMkQ3BSgz6SGOyNDkByQrj9CCAs9Ex/pP33tKpHhlk17n"
    "QtoiDs0WUXziU9sJz4FMcPJRCp8vAum+XGRqEoA0zfiR3u2lWj1eZEyFSsR2ryWa0AlYKW"
    "SidMtcSKiGVrnte78EZliFgA6LVbirLmv/zGP9TLd9psBcrHcICcn+oVJcjVpiKmMv7QPl"
    "9CVvEbCzc5GYR9yVKeCVsCRJ5yWvJCQZuTwZWR07SdHE0mFfCkjUN/Egg9e2k8fGLLfxoF"
    "T9pnQ7cB3f/8GXLwDh2LbOM+49eAbzRtrug3+/uX7/YSaS5tyB6Is4XKuYX0NRXcivUzT9"
    "kimqAP4PPdu/LTYGbGIamm/1H8JMVzeGTWT5cRu8pTJb5ebj+LbDPgqUtvnKTZHSbfNcl0"
    "XN80shaaGvnIW+Iv1qR6PTmelQNlqIoI9JnWs8UWYPq6+SK4JVnbOb7Y55RwVpTIu85iRq"
    "DH6oIuva+qXJb05dR3X8oIZ4gScS248jQ4dm/sr+JOjdkMh2OT2N96RNfoTfyVvyYLpWwl"
    "bv3kuXHfABdcC8WhS2b61kJEdIbik8x6ookdebDnCdjtmLcqjf5eJQv8vgUL+Loquzmeuk"
    "nPyWRdoNy0nObrMkZ3eqarRgpxwQkXZZyYCWy419Ljfu6P2DaT5eUEN/otaikbDYiCbJXG"
    "rMRWIkyWJqneZdacDUHeNxHZEh1FzbZENiqws8x3uBvEhN13i0dT6Bp5pgduo2fxvBrRSJ"
    "PpGhiI4zDN9l5r2pLUDKnlPLO7U7vNbYb/mcWupblB8o9ICWLcLMD/9C+JvkSTVc+vcQKa"
    "ImuriOyb1q6yMCFemBO56ariP8UWGpsoBFjCHPIj+4NUw6r2Q9EXAjcsm+HE1v2l87vf5N"
    "q9/pXp2R4K8B+8dt+7attH+0kfYX+BFtm89D/ZtC8zFLK2clXWn1fG0D9PAxYNfdHnzFzz"
    "Lw51kkpa+RYkukRB/f9HObN3HtPaRpzS5Oa46MQUX2ohNE9x/utIbb0jhTKFL9o3KyHZRo"
    "B2khNlMjRaVG08wXKKpiy9Vth4rSXGEVVKZFMI1I7S8C1wEha9GZUbB78ATqQKjY//AI4C"
    "kAAhtxjGK4r4k1HZOWJ9rnjzQtFuLF6rovISt78courY3pvbiMtyDjLch4Cy893sJsZvhh"
    "uJMoj4HbzUzG4yphfiIOVUcPxDOvNzkFBovnhuiZattz09JynFP6aZnY5qnFwaeJ3JudFo"
    "gG8DvPiq1yyzsRK6pViXjNHBPdsYnod0QG3Kguz0s9UIt30RPxNjoKr2pd4K6pJfg3OW5c"
    "+pQ5KFMLkPc+a4Z+Cs/a9nc+CwaoTBGvhSr2E6gyiuBmOzfpuVVZJVXdyYnVbm8WsVELCe"
    "RRh2X+HlhxUQj9KVmCPSuDI5eVizxhsmyQSzyJzjvRaYMhJCWLGraPHY4iURA3H0nSc6yw"
    "Zqo8mMTqeckBJSufCqumaoNKFMbyA0tWTnJwKTm4yLNSn3cHS+6opHdQ9d1RkYfN1U3rCS"
    "x+edicPGyuGpMHuS35wrclz2Fu1kjYj+TXm1kbkctZXR4HHXItKlfvH5dkplqOjreoRu4X"
    "ZGoyh5+rNtS1YZPMucsKDlEiKrnqLF3yocBXeH4ayOMpb2PVwj94a6xbtkMsOjPh1iOjc6"
    "I7SX46z/EYuFvpVXEvgc5DzVsLjDfQJLYpsud4wicj95RoOj72veuIh/Mq0CcvSrs+VYU0"
    "PtvrVe1qEl37BQocBjaJ/ZjzzMSYBdgyUfDMK850HfS1wnx1iwTEjsgd35XFAhNP3oMseW"
    "QEnkpl2oAxfCmMQj/jj61OoEWsXk/nofPH8KRwCyORBePdv8JtWjbWJx6JE8/a8wLza+Kl"
    "V2cXYjYPULc5LgOG5Zk2zKKDr3dEWoTv8oIGafg8QMfku8IzQ/UOHJRbwBUbdJoZW8Dhil"
    "1odI9JSofh8KxpAu87Vxd8uV4wvl2CaJV3vEpawt6c5LEeQ6p0V7GTmO1Y06FvSo+csd5U"
    "HMqgwuZHmKd/7t5eXZwR78uAdW/73iX/WxlLcR6lpKskphA8QEUB1O+TomumN4GIWIUVUS"
    "U7MC6JC0MdEpJA5wKaT1dL2ZXCkjW0Kx2uHSmBkO0FCSih54joFhRdsVZWJz1TgLCMkoNy"
    "UsNV1rCtz5TijqUhIelcGjcNO9Sa6kwsA9N8xDJmHonScgqSb65nueyxENq+gAQ4J8DqKD"
    "mAWhbGK5n6wbyTFfvSlsi72tKH8SVksz+bSePGL72HhR9deaNYkfU8ypwR/Bywm/Z59+ai"
    "c/UVA/V4Xwes1+/e8GveF3GlfSEutC8G7Eurc4m/xd8Bu2hftvt4wftSxh6w/Xg+K1Xh0T"
    "BJs66iKl/lU+FG17hr/Tgj8DFg369Pzwh8VMA+E2g3+v9SZUnoilLGJqmzpLQcajRf+reT"
    "k9PTDyfHp+8/vnv74cO7j8fLiVP8VtYM6nPna+cqQmFK8rb3Ec0M3pFPKduI5CG1EoL0Cd"
    "Z9ZoqNrUi3tcqnyt1W666n9KC/En9h0DlVzrvfr1v9zudLGLFCP6s2wADAMxOKLcrjT8+h"
    "wpqqGI1/heG9O3qkKcP8OvxXsvVD/v1pHrfT03S309N0zC06KRg/Pkm2hphv3dV3hVvBeP"
    "IxQYl2EbRXHJaC3IWMLCSJIXUktaykKU9WTMqYqDwpcZOQlD6cquPQ6cwpYshOFt4f0/l4"
    "twuBrZmzpbtAOtT1dReQ/HbJb5f89tz8dlBVI4Xi/o2uOZOCMxphtpuT6X73oI8eREgqc0"
    "xU5hOcOYfZY0mSR2jWNtKX5zy1rp2Jwxim6iO1Pfq4TZYH7yUw2XdTDDLV+3GCOY/KJcjv"
    "0xfFmOYl4cfbA2NJSybvc+wLylFZjspyVM41KoOazh/o6DFpWF7eyxyXYWxSRpgs58A8xF"
    "KGQV8ucSaszkj76vzmj2s8V0b51v6j18RIlL+1er/hr09kyEvhp/tx8SE8H6rnaHWd2sNX"
    "/EBYdCziZy/FR+xnKP+lDNO1cGySsS1XkX/yjM0ZWzsJ8ZmWTSVpTzojtkxITh7s2SwQSi"
    "Y2iD/PSNOiFix+ksYZ707mKKOu0qwbYdLx33I/nGozTeyGE2ykXl+6Wf9becpvelebGmwj"
    "vbdNj7ZRhw53J2RUbFQFEPaS1xDdN8fHedaax8fpa028FxnRTIYmmyLbWwERedRawX2tZx"
    "3M/v5/uaTL5g=="
)
