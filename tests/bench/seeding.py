"""A database of a realistic size: accounts with a recording configuration and three keys each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app import migrating, names
from app.access import AccessLevel, Scope
from app.accounts.model import Account, UsageUnit
from app.api_keys import service as api_keys
from app.api_keys.model import ApiKey
from app.encryption import Keyring
from app.identifiers import Kind, new_id, show
from app.recording.model import BucketVendor, RecordingConfig, StorageStatus
from app.service_providers.model import ServiceProvider
from app.settings import Settings

PROVIDERS, ACCOUNTS, KEYS_EACH = 10, 2_000, 3
_BATCH = 500


@dataclass(frozen=True)
class Seeded:
    """What the requests need."""

    admin_key: str
    account_id: str


async def seed(settings: Settings) -> Seeded:
    """Migrates and fills an empty database."""
    await migrating.migrate(settings)
    keyring = settings.keyring()
    async with migrating.opened(settings):
        providers = [_provider(number) for number in range(PROVIDERS)]
        await ServiceProvider.bulk_create(providers)
        accounts = [_account(number, providers[number % PROVIDERS], keyring) for number in range(ACCOUNTS)]
        await Account.bulk_create(accounts, batch_size=_BATCH)
        await RecordingConfig.bulk_create([_config(account, keyring) for account in accounts], batch_size=_BATCH)
        keys = [_key(account, number) for account in accounts for number in range(KEYS_EACH)]
        await ApiKey.bulk_create(keys, batch_size=_BATCH)
        return Seeded(await api_keys.create_first_admin(keyring, "bench"), show(Kind.ACCOUNT, accounts[777].id))


def _provider(number: int) -> ServiceProvider:
    name = f"Provider {number}"
    return ServiceProvider(id=new_id(), name=name, name_key=names.key(name))


def _account(number: int, provider: ServiceProvider, keyring: Keyring) -> Account:
    row_id, name = new_id(), f"Customer {number:04d} – Sprachdienste"
    secret = keyring.seal(f"whs_{number:040d}", table="accounts", column="webhook_secret", row=row_id)
    return Account(
        id=row_id,
        service_provider_id=provider.id,
        name=name,
        name_key=names.key(name),
        usage_unit=UsageUnit.MINUTES if number % 3 else UsageUnit.SESSIONS,
        usage_maximum=number,
        licensed_sessions=number % 50,
        sip_realm=f"c{number}.sip.example.com" if number % 4 else None,
        webhook_secret=secret,
    )


def _config(account: Account, keyring: Keyring) -> RecordingConfig:
    row_id = new_id()
    return RecordingConfig(
        id=row_id,
        account_id=account.id,
        enabled=True,
        bucket_vendor=BucketVendor.AWS_S3,
        bucket_name=f"recordings-{row_id.hex[-12:]}",
        region="eu-central-1",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=keyring.seal("s3cret", table="recording_configs", column="secret_access_key", row=row_id),
        secret_access_key_set_at=datetime.now(UTC),
        s3_tags=[{"name": "customer", "value": account.name}, {"name": "tier", "value": "gold"}],
        fingerprint=keyring.keyed_hash("bench", row_id.bytes).hex()[:32],
        storage_status=StorageStatus.UNVERIFIED,
        storage_status_since=datetime.now(UTC),
    )


def _key(account: Account, number: int) -> ApiKey:
    row_id = new_id()
    return ApiKey(
        id=row_id,
        scope=Scope.ACCOUNT,
        access_level=AccessLevel.READ_ONLY if number else AccessLevel.FULL,
        account_id=account.id,
        name=f"Key {number}",
        public_id=row_id.hex[-16:],
        secret_hash=row_id.bytes * 2,
        expires_at=datetime.now(UTC) + timedelta(days=365) if number else None,
    )
