"""The database's constraints: each refuses a row that breaks it."""

from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from app.foundation.database import catalogue
from app.foundation.database.errors import violated_constraint
from tests.support.catalogue import ID, ROWS, empty, fill, insert, make_settings, migrated

__all__ = ["empty", "make_settings", "migrated"]

PROVIDER, ACCOUNT = ID.format(1), ID.format(3)
CONFIG = dict(next(values for table, values in ROWS if table == "recording_configs"))
STATUS_WEBHOOK = {"call_status_webhook_url": "https://hooks.example.com", "call_status_webhook_method": "POST"}
WITHOUT_KEYS: dict[str, Any] = {"access_key_id": None, "secret_access_key": None, "secret_access_key_set_at": None}

# For each constraint, changes to a row of ROWS that break it; the row is found by table (for keys by scope).
BREAKS: list[tuple[str, dict[str, Any]]] = [
    ("service_providers_name_unique", {}),
    ("accounts_name_unique", {"sip_realm": None}),
    ("accounts_sip_realm_unique", {"name_key": "other"}),
    ("accounts_limits_check", {"usage_maximum": -1, "name_key": "other", "sip_realm": None}),
    ("accounts_limits_check", {"licensed_sessions": -1, "name_key": "other", "sip_realm": None}),
    *(
        (f"accounts_{name}_check", {**changes, "name_key": "other", "sip_realm": None})
        for name, changes in (
            ("previous_webhook_secret", {"previous_webhook_secret": None}),
            ("previous_webhook_secret", {"previous_webhook_secret_expires_at": None}),
            ("registration_webhook", {"registration_webhook_username": None}),
            ("registration_webhook", {"registration_webhook_password": None}),
            ("registration_webhook", {"registration_webhook_method": None}),
            ("registration_webhook", {"registration_webhook_method": "PUT"}),
            ("registration_webhook", {"registration_webhook_url": None}),
            ("registration_webhook", {"registration_webhook_url": None, "registration_webhook_method": None}),
            ("queue_event_webhook", {"queue_event_webhook_username": None}),
            ("queue_event_webhook", {"queue_event_webhook_password": None}),
            ("queue_event_webhook", {"queue_event_webhook_url": None}),
        )
    ),
    ("api_keys_public_id_unique", {}),
    ("users_email_unique", {}),
    ("sessions_public_id_unique", {}),
    *(
        (name, {"scope": scope, "service_provider_id": provider, "account_id": account})
        for name in ("api_keys_owner_check", "users_owner_check")
        for scope, provider, account in (
            ("ADMIN", PROVIDER, None),
            ("ADMIN", None, ACCOUNT),
            ("ADMIN", PROVIDER, ACCOUNT),
            ("SERVICE_PROVIDER", None, None),
            ("SERVICE_PROVIDER", None, ACCOUNT),
            ("SERVICE_PROVIDER", PROVIDER, ACCOUNT),
            ("ACCOUNT", None, None),
            ("ACCOUNT", PROVIDER, None),
            ("ACCOUNT", PROVIDER, ACCOUNT),
            ("", None, None),
            ("OWNER", PROVIDER, None),
        )
    ),
    *(
        (name, changes)
        for name, column in (("api_keys_permissions_check", "access_level"), ("users_permissions_check", "role"))
        for changes in ({column: "CUSTOM"}, {"permissions": "[]"})
    ),
    ("recording_configs_account_unique", {}),
    ("idempotency_records_key_unique", {}),
    ("key_checks_name_unique", {}),
    *(("recording_configs_keys_check", {"enabled": False, name: None}) for name in WITHOUT_KEYS),
    *(
        ("recording_configs_keys_check", {**WITHOUT_KEYS, "enabled": False, name: CONFIG[name]})
        for name in WITHOUT_KEYS
    ),
    ("recording_configs_enabled_check", WITHOUT_KEYS),
    *(("recording_configs_enabled_check", {name: None}) for name in ("bucket_vendor", "bucket_name", "region")),
    ("recording_configs_enabled_check", {"bucket_vendor": "S3_COMPATIBLE", "endpoint_url": None}),
    ("applications_name_unique", {}),
    *(
        ("applications_webhooks_check", {"name_key": "other", **changes})
        for changes in (
            {"calling_webhook_password": None},
            {"calling_webhook_username": None},
            {"call_status_webhook_url": "https://hooks.example.com"},
            {"call_status_webhook_method": "POST"},
            {"call_status_webhook_username": "gateway", "call_status_webhook_password": b"\x03"},
            {**STATUS_WEBHOOK, "call_status_webhook_username": "gateway"},
            {**STATUS_WEBHOOK, "call_status_webhook_password": b"\x03"},
        )
    ),
    ("stored_credentials_fingerprint_unique", {}),
    *(
        ("calls_recording_check", changes)
        for changes in (
            dict[str, Any](recording_state="NONE"),
            {"recording_error": None},
            {"recording_state": "STORED", "recording_size_bytes": None},
            {"recording_state": "STORED", "recording_duration_ms": None},
            *({f"recording_{name}": None} for name in ("key", "bucket", "region", "vendor", "format")),
        )
    ),
]
# Their columns contain the primary key: they exist as targets of foreign keys.
NEVER_BROKEN = {"applications_id_account_unique"}
ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("accounts", {"name_key": "other", "sip_realm": None}),
    ("accounts", {"service_provider_id": ID.format(2), "sip_realm": None}),
    ("api_keys", {"public_id": "another", "scope": "ACCOUNT", "account_id": ACCOUNT}),
    ("applications", {"name_key": "other"}),
    ("applications", {"name_key": "other", **STATUS_WEBHOOK}),
    ("stored_credentials", {"fingerprint": b"another"}),
    ("calls", {}),
    ("calls", {"recording_state": "STORED", "recording_error": None}),
    ("calls", {"recording_state": "DELETED", "recording_credential_id": None}),
    ("calls", {"recording_state": "RECORDING", "recording_size_bytes": None, "recording_duration_ms": None}),
    (
        "calls",
        {
            "recording_state": "NONE",
            **{f"recording_{name}": None for name in ("key", "bucket", "region", "vendor", "format")},
        },
    ),
    ("call_keys", {"gateway_call_id": "another"}),
]
ALLOWED_CONFIGS: list[dict[str, Any]] = [
    {"enabled": False, "bucket_vendor": None, "bucket_name": None, "region": None, **WITHOUT_KEYS},
    {"bucket_vendor": "S3_COMPATIBLE", "endpoint_url": "https://s3.example.com"},
]
TABLES = {**catalogue.UNIQUE, **catalogue.CHECKS}


def changed(table: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The first row of a table in ROWS under another id, with these changes."""
    row = next(values for name, values in ROWS if name == table)
    return {**row, "id": ID.format(50), **changes}


@pytest.mark.parametrize(("constraint", "changes"), BREAKS, ids=[name for name, _ in BREAKS])
async def test_the_database_refuses_a_row_that_breaks_a_constraint(
    migrated: Any, constraint: str, changes: dict[str, Any]
) -> None:
    table = TABLES[constraint]
    # A second configuration of the account would break its unique constraint first.
    await fill(migrated, but=table if constraint in catalogue.CHECKS and table == "recording_configs" else "")
    row = changed(table, changes)
    if constraint == "api_keys_owner_check":
        row["public_id"] = "another"
    if constraint == "users_owner_check":
        row["email_key"] = "another"
    with pytest.raises(IntegrityError) as refused:
        await insert(migrated, table, row)
    assert violated_constraint(refused.value) == constraint


def test_every_constraint_has_a_case_that_breaks_it() -> None:
    assert {name for name, _ in BREAKS} | NEVER_BROKEN == TABLES.keys()


@pytest.mark.parametrize(("table", "changes"), ALLOWED)
async def test_the_database_accepts_a_row_that_breaks_no_constraint(
    migrated: Any, table: str, changes: dict[str, Any]
) -> None:
    await fill(migrated)
    await insert(migrated, table, changed(table, changes))


@pytest.mark.parametrize("changes", ALLOWED_CONFIGS)
async def test_the_database_accepts_a_configuration_that_is_complete_or_disabled(
    migrated: Any, changes: dict[str, Any]
) -> None:
    await fill(migrated, but="recording_configs")
    await insert(migrated, "recording_configs", changed("recording_configs", changes))


@pytest.mark.parametrize(
    ("table", "id_"),
    [
        ("service_providers", PROVIDER),
        ("accounts", ACCOUNT),
        ("applications", ID.format(12)),
        ("stored_credentials", ID.format(16)),
    ],
    ids=["provider", "account", "application", "credential"],
)
async def test_a_row_cannot_be_deleted_while_others_belong_or_refer_to_it(migrated: Any, table: str, id_: str) -> None:
    await fill(migrated)
    with pytest.raises(IntegrityError):
        await migrated.execute_query(f"DELETE FROM {table} WHERE id = '{id_}'")


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("accounts", {"service_provider_id": ID.format(77), "sip_realm": None}),
        ("api_keys", {"scope": "ACCOUNT", "account_id": ID.format(77), "public_id": "another"}),
        ("api_keys", {"scope": "SERVICE_PROVIDER", "service_provider_id": ID.format(77), "public_id": "another"}),
        ("users", {"scope": "ACCOUNT", "account_id": ID.format(77), "email_key": "another"}),
        ("users", {"scope": "SERVICE_PROVIDER", "service_provider_id": ID.format(77), "email_key": "another"}),
        ("sessions", {"user_id": ID.format(77), "public_id": "another"}),
        ("recording_configs", {"account_id": ID.format(77)}),
        ("webhook_deliveries", {"account_id": ID.format(77)}),
        ("applications", {"account_id": ID.format(77)}),
        ("stored_credentials", {"account_id": ID.format(77)}),
        ("calls", {"account_id": ID.format(77), "recording_credential_id": None}),
        ("calls", {"recording_credential_id": ID.format(77)}),
        ("call_keys", {"account_id": ID.format(77)}),
    ],
)
async def test_a_row_cannot_belong_to_a_missing_owner(migrated: Any, table: str, changes: dict[str, Any]) -> None:
    await fill(migrated)
    with pytest.raises(IntegrityError):
        await insert(migrated, table, changed(table, changes))


@pytest.mark.parametrize("column", ["device_calling_application_id", "siprec_application_id"])
async def test_an_account_cannot_refer_to_an_application_of_another_account(migrated: Any, column: str) -> None:
    await fill(migrated)
    other = changed("accounts", {"name_key": "other", "sip_realm": None})
    await insert(migrated, "accounts", other)
    with pytest.raises(IntegrityError) as refused:
        await migrated.execute_query(f"UPDATE accounts SET {column} = '{ID.format(12)}' WHERE id = '{other['id']}'")
    assert "foreign key" in str(refused.value).lower()


async def test_a_call_cannot_be_stored_with_a_credential_of_another_account(migrated: Any) -> None:
    await fill(migrated)
    await insert(migrated, "accounts", changed("accounts", {"name_key": "other", "sip_realm": None}))
    with pytest.raises(IntegrityError) as refused:
        await insert(migrated, "calls", changed("calls", {"account_id": ID.format(50)}))
    assert "foreign key" in str(refused.value).lower()


async def test_a_gateway_s_id_identifies_one_call_of_an_account(migrated: Any) -> None:
    await fill(migrated)
    with pytest.raises(IntegrityError):
        await insert(migrated, "call_keys", changed("call_keys", {}))
