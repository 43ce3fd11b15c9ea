"""A changed key is detected at start-up, and after the loss of a key the server can start again."""

import asyncio
from unittest.mock import patch

import pytest

from app.accounts.model import Account
from app.api_keys.model import ApiKey
from app.commands import reencrypt, serve
from app.foundation.encryption import Keyring, new_key_text
from app.foundation.key_checks import service as key_checks
from app.server.asgi import create_app
from app.server.transport.serve import CannotStart
from app.storage.model import RecordingConfig, StoredCredential
from tests.commands.test_commands import stored_call
from tests.support.commands import ended, environment_of
from tests.support.installation import Installation, Person, World


async def start(installation: Installation, **changed: str) -> None:
    """`serve` goes on to listen; the application starts, here, since a process of its own needs two seconds of CPU."""
    with patch.object(serve, "listen") as listen:
        assert (await ended(environment_of(installation.settings, **changed), "serve"))[0] == 0
    (chosen,) = listen.call_args.args
    async with create_app(chosen).router.lifespan_context(None):
        pass


async def refused(installation: Installation, **changed: str) -> str:
    status, printed, said = await ended(environment_of(installation.settings, **changed), "serve")
    assert (status, printed) == (1, "")
    return said


async def discard(installation: Installation, *arguments: str, **changed: str) -> list[str]:
    status, printed, said = await ended(environment_of(installation.settings, **changed), "discard-secrets", *arguments)
    assert status == 0, said
    return printed.splitlines()


async def test_another_hash_key_is_detected_at_the_start(installation: Installation) -> None:
    await start(installation)
    said = await refused(installation, HASH_KEY=new_key_text())
    assert said == (
        "These keys have other values than the database was used with: HASH_KEY. "
        "Restore their values; if one is lost, see: python -m app discard-secrets --help\n"
    )
    await start(installation)


async def test_another_value_of_an_encryption_key_is_detected_at_the_first_start_already(
    installation: Installation,
) -> None:
    other = f"test:{new_key_text()}"
    assert "ENCRYPTION_KEYS test. Restore their values" in await refused(installation, ENCRYPTION_KEYS=other)
    await start(installation)
    assert "ENCRYPTION_KEYS test. Restore their values" in await refused(installation, ENCRYPTION_KEYS=other)


async def test_another_value_of_a_key_that_has_sealed_nothing_yet_is_detected(
    installation: Installation, world: World
) -> None:
    new = f"new:{new_key_text()}"
    await start(installation, ENCRYPTION_KEYS=f"{new},{world.encryption_keys}")
    wrong = f"new:{new_key_text()},{world.encryption_keys}"
    assert "ENCRYPTION_KEYS new. Restore" in await refused(installation, ENCRYPTION_KEYS=wrong)


@pytest.mark.parametrize("lost", ["removed", "another value"])
async def test_secrets_of_a_lost_key_are_discarded_by_name_and_count(
    installation: Installation, world: World, provider: Person, lost: str
) -> None:
    await stored_call(installation)
    webhook = {"url": "https://hooks.example.com/x", "method": "POST", "username": "ann", "password": "pass-word"}
    changed = await provider.change(
        "updateAccount", "account { id }", id=world["own"], registrationWebhook=webhook, queueEventWebhook=webhook
    )
    assert changed["userErrors"] == []
    rotated = await provider.change("rotateWebhookSecret", "account { id }", id=world["own"])
    assert rotated["userErrors"] == []
    key = f"{'test' if lost == 'another value' else 'new'}:{new_key_text()}"
    counted = await discard(installation, "--encryption-key", "test", ENCRYPTION_KEYS=key)
    expected = {
        "accounts.webhook_secret": 3,
        "accounts.previous_webhook_secret": 1,
        "accounts.registration_webhook_password": 1,
        "accounts.queue_event_webhook_password": 1,
        "recording_configs.secret_access_key": 3,
        "stored_credentials.secret_access_key": 1,
    }
    *lines, last = counted
    assert sorted(lines) == sorted(f"{count} {name}" for name, count in expected.items())
    assert last == "Nothing was changed. Add --yes to discard these."
    await refused(installation, ENCRYPTION_KEYS=key)
    done = await discard(installation, "--encryption-key", "test", "--yes", ENCRYPTION_KEYS=key)
    assert sorted(done) == sorted(f"{count} {name} discarded" for name, count in expected.items())
    await start(installation, ENCRYPTION_KEYS=key)
    async with installation.database():
        assert await StoredCredential.all().count() == 0
        assert await RecordingConfig.filter(enabled=True).count() == 0
        assert await Account.filter(registration_webhook_username__isnull=False).count() == 0
        assert await Account.filter(version=1).count() == 0
    assert await discard(installation, "--encryption-key", "test", "--yes", ENCRYPTION_KEYS=key) == [
        "Nothing depends on this key."
    ]


async def test_a_secret_that_opens_is_never_discarded(installation: Installation) -> None:
    for which in (["--encryption-key", "test"], ["--hash-key"]):
        assert await discard(installation, *which, "--yes") == ["Nothing depends on this key."]
    await start(installation)


async def test_a_lost_hash_key_ends_all_keys_and_sessions_and_the_server_starts(
    installation: Installation,
) -> None:
    await start(installation)
    new = new_key_text()
    async with installation.database():
        count = await ApiKey.filter(revoked_at__isnull=True).count()
    counted = await discard(installation, "--hash-key", HASH_KEY=new)
    assert (counted[0], counted[-1]) == (f"{count} API keys", "Nothing was changed. Add --yes to discard these.")
    assert (await discard(installation, "--hash-key", "--yes", HASH_KEY=new))[0] == f"{count} API keys discarded"
    await start(installation, HASH_KEY=new)
    async with installation.database():
        assert await ApiKey.filter(revoked_at__isnull=True).count() == 0


async def test_secrets_are_not_reencrypted_with_another_value_of_a_key(
    installation: Installation, world: World
) -> None:
    right = f"new:{new_key_text()},{world.encryption_keys}"
    await start(installation, ENCRYPTION_KEYS=right)
    wrong = environment_of(installation.settings, ENCRYPTION_KEYS=f"new:{new_key_text()},{world.encryption_keys}")
    status, printed, said = await ended(wrong, "reencrypt-secrets")
    assert (status, printed) == (1, "")
    assert "ENCRYPTION_KEYS new. Restore their values" in said
    await start(installation, ENCRYPTION_KEYS=right)


async def test_when_both_keys_are_lost_the_hash_key_alone_changes_nothing(installation: Installation) -> None:
    await stored_call(installation)
    await start(installation)
    lost = {"ENCRYPTION_KEYS": f"new:{new_key_text()}", "HASH_KEY": new_key_text()}
    status, printed, said = await ended(
        environment_of(installation.settings, **lost), "discard-secrets", "--hash-key", "--yes"
    )
    assert (status, printed) == (1, "")
    assert "if a key is lost, see: python -m app discard-secrets --help" in said
    async with installation.database():
        assert await ApiKey.filter(revoked_at__isnull=False).count() == 0
    await discard(installation, "--encryption-key", "test", "--yes", **lost)
    assert "API keys discarded" in (await discard(installation, "--hash-key", "--yes", **lost))[0]
    await start(installation, **lost)


async def test_discarding_secrets_has_no_statement_timeout(installation: Installation) -> None:
    await stored_call(installation)
    slow = """
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION slow();
    """
    async with installation.database() as db:
        await db.execute_script(slow)
    lost = {"ENCRYPTION_KEYS": f"new:{new_key_text()}", "DATABASE_TIMEOUT_SECONDS": "1"}
    await discard(installation, "--encryption-key", "test", "--yes", **lost)
    async with installation.database():
        assert await StoredCredential.all().count() == 0


async def test_damaged_secrets_do_not_make_the_right_key_wrong(installation: Installation) -> None:
    keyring = installation.settings.keyring()
    async with installation.database():
        await reencrypt.check_keys(keyring)
        for model in (StoredCredential, RecordingConfig):
            await model.all().delete()
        for account in await Account.all():
            damaged = bytearray(account.webhook_secret)
            damaged[-1] ^= 1
            await Account.filter(id=account.id).update(webhook_secret=bytes(damaged))
        await reencrypt.check_keys(keyring)


async def test_of_two_concurrent_first_starts_with_different_keys_one_is_refused(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = [installation.settings.model_copy(update={"hash_key": new_key_text()}) for _ in range(2)]
    both_compared, remember, waiting = asyncio.Event(), key_checks.remember, []

    async def remember_together(keyring: Keyring) -> None:
        waiting.append(keyring)
        if len(waiting) == 2:
            both_compared.set()
        await both_compared.wait()
        await remember(keyring)

    monkeypatch.setattr(key_checks, "remember", remember_together)
    async with installation.database():
        checks = (reencrypt.check_keys(settings.keyring()) for settings in changed)
        refusals = [type(one) for one in await asyncio.gather(*checks, return_exceptions=True)]
    assert sorted(refusals, key=str) == [type(None), CannotStart]
