"""The database objects that models cannot declare, by name: they are written by hand in `migrations/`.

Tortoise ignores constraints in `Meta` silently. `tests/commands/test_migrations.py` compares the catalogue of a migrated
database with the models plus these lists.
"""

# Unique constraints by name, with their tables.
UNIQUE = {
    "service_providers_name_unique": "service_providers",
    "accounts_name_unique": "accounts",
    "accounts_sip_realm_unique": "accounts",
    "api_keys_public_id_unique": "api_keys",
    "users_email_unique": "users",
    "sessions_public_id_unique": "sessions",
    "recording_configs_account_unique": "recording_configs",
    "idempotency_records_key_unique": "idempotency_records",
    "key_checks_name_unique": "key_checks",
    "applications_name_unique": "applications",
    # The target of the composite foreign keys below.
    "applications_id_account_unique": "applications",
    "stored_credentials_fingerprint_unique": "stored_credentials",
}
# Foreign keys of several columns, of a primary key or of tables that refer to each other, by name: table, columns, target table.
# All of them RESTRICT. They keep an account from referring to another account's application.
FOREIGN_KEYS = {
    "accounts_owner_fk": ("accounts", ("owner_id",), "users"),
    "accounts_device_calling_application_fk": ("accounts", ("device_calling_application_id", "id"), "applications"),
    "accounts_siprec_application_fk": ("accounts", ("siprec_application_id", "id"), "applications"),
    "calls_recording_credential_fk": ("calls", ("account_id", "recording_credential_id"), "stored_credentials"),
    "call_accounts_account_fk": ("call_accounts", ("id",), "accounts"),
}
CHECKS = {
    "accounts_limits_check": "accounts",
    "accounts_previous_webhook_secret_check": "accounts",
    "accounts_queue_event_webhook_check": "accounts",
    "accounts_registration_webhook_check": "accounts",
    "api_keys_owner_check": "api_keys",
    "api_keys_permissions_check": "api_keys",
    "users_owner_check": "users",
    "users_permissions_check": "users",
    "recording_configs_keys_check": "recording_configs",
    "recording_configs_enabled_check": "recording_configs",
    "applications_webhooks_check": "applications",
    "calls_recording_check": "calls",
}
INDEXES = {
    "accounts_by_name": "accounts",
    "accounts_by_provider": "accounts",
    "accounts_by_owner": "accounts",
    "accounts_suspended": "accounts",
    "accounts_suspended_by_name": "accounts",
    "accounts_suspended_of_provider": "accounts",
    "accounts_suspended_of_provider_by_name": "accounts",
    "api_keys_by_account": "api_keys",
    "api_keys_by_creator": "api_keys",
    "api_keys_by_provider": "api_keys",
    "api_keys_of_installation": "api_keys",
    "users_by_account": "users",
    "users_by_provider": "users",
    "users_of_installation": "users",
    "sessions_by_user": "sessions",
    "login_failures_by_subject": "login_failures",
    "login_failures_by_network": "login_failures",
    "login_failures_by_time": "login_failures",
    "recording_configs_enabled": "recording_configs",
    "recording_configs_by_status": "recording_configs",
    "applications_by_account": "applications",
    "webhook_deliveries_by_account": "webhook_deliveries",
    "audit_events_of_account": "audit_events",
    "audit_events_of_provider": "audit_events",
    "audit_events_of_former_provider": "audit_events",
    "audit_events_of_object": "audit_events",
    "audit_events_of_key": "audit_events",
    "audit_events_of_user": "audit_events",
    "audit_events_by_time": "audit_events",
    "idempotency_records_by_time": "idempotency_records",
    "call_accounts_by_provider": "call_accounts",
    "stored_credentials_by_id": "stored_credentials",
    "call_keys_by_id": "call_keys",
    "calls_by_id": "calls",
    "calls_by_gateway_call_id": "calls",
    "calls_walked": "calls",
    "calls_by_application": "calls",
    "calls_by_from": "calls",
    "calls_by_to": "calls",
    "calls_recorded": "calls",
    "calls_underway": "calls",
    "calls_by_credential": "calls",
}
TRIGGERS = {
    "audit_events_stay": "audit_events",
    "audit_events_are_kept": "audit_events",
    "call_accounts_follow": "accounts",
    "call_accounts_go": "accounts",
}
