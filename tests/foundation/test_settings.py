"""Settings: all wrong ones are reported together, with reasons."""

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest

from app.foundation import settings
from app.foundation.database import orm
from app.foundation.encryption import new_key_text
from app.foundation.settings import Settings, WrongSettings

POSTGRES = "postgres://someone:pass-word@127.0.0.1/accounts"
KEYS = {"ENCRYPTION_KEYS": f"k1:{new_key_text()}", "HASH_KEY": new_key_text()}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    """The message for each variable."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as raised:
        settings.load()
    return dict(line.split(": ", 1) for line in raised.value.problems)


def test_an_empty_environment_is_valid() -> None:
    chosen = settings.load()
    assert chosen.is_embedded
    assert chosen.uses_key_file
    assert (chosen.host, chosen.port, chosen.workers) == ("127.0.0.1", 8000, 1)
    assert not chosen.anonymous_introspection
    assert not chosen.graphiql


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "PORT": "http",
        "WORKERS": "0",
        "DATABASE_URL": "mysql://somewhere/accounts",
        "DATABASE_POOL_SIZE": "0",
        "DATABASE_TIMEOUT_SECONDS": "never",
        "ENCRYPTION_KEYS": "k1:short",
        "HASH_KEY": "short",
        "ALLOWED_ORIGINS": "portal.example.com",
        "TRUSTED_PROXIES": "everybody",
        "ANONYMOUS_INTROSPECTION": "maybe",
        "CACHE_URL": "memcached://somewhere",
        "GRAPHIQL": "",
        "VERIFICATIONS_AT_ONCE": "-1",
        "METRICS_TOKEN": "short",
        "MAX_BODY_BYTES": "99999999999",
        "LOG_LEVEL": "LOUD",
    }
    assert set(problems(monkeypatch, **wrong)) == set(wrong)


@pytest.mark.parametrize("token", ["a" * 31, f"{'a' * 32} ", f"{'a' * 32},b", "ä" * 32, f"{'a' * 32}\n"])
def test_a_metrics_token_that_is_short_or_cannot_be_sent_is_refused(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    told = problems(monkeypatch, METRICS_TOKEN=token)
    assert told["METRICS_TOKEN"].endswith("make one with: openssl rand -hex 32")


def test_postgresql_without_keys_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, DATABASE_URL=POSTGRES)
    assert set(told) == {"ENCRYPTION_KEYS", "HASH_KEY"}
    assert "openssl rand -base64 32" in told["HASH_KEY"]


def test_wrong_combinations_are_reported_together_with_wrong_values(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, DATABASE_URL=POSTGRES, PORT="http")
    assert set(told) == {"PORT", "ENCRYPTION_KEYS", "HASH_KEY"}
    monkeypatch.delenv("DATABASE_URL")
    assert set(problems(monkeypatch, PORT="http", HASH_KEY=KEYS["HASH_KEY"])) == {"PORT", "ENCRYPTION_KEYS"}


def test_one_of_the_two_keys_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, missing in (("ENCRYPTION_KEYS", "HASH_KEY"), ("HASH_KEY", "ENCRYPTION_KEYS")):
        with monkeypatch.context() as patched:
            assert set(problems(patched, **{given: KEYS[given]})) == {missing}


def test_postgresql_with_keys_and_workers_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": POSTGRES, "WORKERS": "8", **KEYS}.items():
        monkeypatch.setenv(name, value)
    chosen = settings.load(port=9000)
    assert not chosen.uses_key_file
    assert (chosen.workers, chosen.port) == (8, 9000)


@pytest.mark.parametrize("keys", ["AAAA", "k1", ":", "k1:", f"{'k' * 33}:KEY", "k1:KEY, k1:AAAA"])
def test_a_keyring_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    keys = keys.replace("KEY", new_key_text())
    told = problems(monkeypatch, **{**KEYS, "ENCRYPTION_KEYS": keys})
    assert set(told) == {"ENCRYPTION_KEYS"}


def test_two_keys_of_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, **{**KEYS, "ENCRYPTION_KEYS": f"k1:{new_key_text()},k1:{new_key_text()}"})
    assert "k1" in told["ENCRYPTION_KEYS"]


def of_database(monkeypatch: pytest.MonkeyPatch, options: str) -> dict[str, Any]:
    """The driver's options for a URL with these options."""
    for name, value in {"DATABASE_URL": f"{POSTGRES}?{options}", **KEYS}.items():
        monkeypatch.setenv(name, value)
    told: dict[str, Any] = orm.configuration(settings.load())["connections"]["default"]["credentials"]
    assert "sslmode" not in told, "the driver knows no such option"
    return told


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_tls_to_the_database_may_be_left_to_the_server(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    assert of_database(monkeypatch, f"sslmode={mode}")["ssl"] == mode


@pytest.mark.parametrize(
    ("options", "checks_authority", "checks_name"),
    [
        ("sslmode=require", False, False),
        (f"sslmode=require&sslrootcert={certifi.where()}", True, False),
        ("sslmode=verify-ca", True, False),
        ("sslmode=verify-full", True, True),
        (f"sslmode=verify-full&sslrootcert={certifi.where()}", True, True),
    ],
)
def test_a_database_that_needs_tls_is_checked_as_libpq_would(
    monkeypatch: pytest.MonkeyPatch, options: str, checks_authority: bool, checks_name: bool
) -> None:
    context = of_database(monkeypatch, options)["ssl"]
    assert (context.verify_mode is ssl.CERT_REQUIRED, context.check_hostname) == (checks_authority, checks_name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("sslmode=yes", "verify-full"),
        ("ssl=true", "sslmode, sslrootcert"),
        ("sslmode=verify-full&pool=pass-word", "sslmode, sslrootcert"),
        ("sslmode", "postgres://user:password@host"),
        ("sslmode=verify-full&sslrootcert=/there/is/none.pem", "No such file"),
        ("sslrootcert=/there/is/none.pem", "sslmode"),
    ],
)
def test_an_unsupported_option_of_the_database_is_refused(
    monkeypatch: pytest.MonkeyPatch, options: str, said: str
) -> None:
    told = problems(monkeypatch, DATABASE_URL=f"{POSTGRES}?{options}", **KEYS)
    assert set(told) == {"DATABASE_URL"}
    assert said in told["DATABASE_URL"]
    assert "pass-word" not in told["DATABASE_URL"]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("", "PostgreSQL embedded in var"),
        (POSTGRES, "PostgreSQL accounts at 127.0.0.1:5432"),
        ("postgres://me:pass-word@[::1]:6000/a?sslmode=require", "PostgreSQL a at [::1]:6000"),
        ("postgres://me@/a?host=%2Frun%2Fpg", "PostgreSQL a at /run/pg"),
    ],
)
def test_a_database_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str, place: str) -> None:
    for name, value in {"DATABASE_URL": url, **KEYS}.items():
        monkeypatch.setenv(name, value)
    assert settings.load().database_display_name == place


@pytest.mark.parametrize(
    "url",
    ["postgres://someone:pass/word@db/accounts", "postgres://db:five/accounts", "postgres://[/x", "postgres:///", "x"],
)
def test_an_invalid_database_url_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    told = problems(monkeypatch, DATABASE_URL=url, **KEYS)
    assert set(told) == {"DATABASE_URL"}
    assert "postgres://" in told["DATABASE_URL"]
    assert "pass" not in told["DATABASE_URL"].replace("user:password@", "")


@pytest.mark.parametrize(
    "url",
    [
        *("valkey://user:pass-word@cache:6379", "redis://:pass-word@cache/15", "rediss://cache.example.com:6380/0"),
        *("valkeys://[::1]:6379/", "valkeys://cache?ssl_ca_certs=%2Fetc%2Fca.pem"),
    ],
)
def test_a_cache_url_is_valid(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CACHE_URL", url)
    assert settings.load().cache_url == url
    assert "pass-word" not in repr(settings.load())


@pytest.mark.parametrize(
    "url",
    [
        *("cache:6379", "http://:pass-word@cache", "valkey://", "valkey://:pass/word@cache", "valkey://:pass-word@"),
        *(
            "valkey://cache:five",
            "valkey://cache/prompts",
            "valkey://cache?timeout=5",
            "valkey://cache?a",
            "valkey://[",
        ),
        *("valkeys://cache?ssl_cert_reqs=none", "valkey://cache?ssl_ca_certs=/ca.pem", "valkey://cache/0#pass-word"),
    ],
)
def test_an_invalid_cache_url_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    told = problems(monkeypatch, CACHE_URL=url)
    assert set(told) == {"CACHE_URL"}
    assert "valkey://" in told["CACHE_URL"]
    assert "pass" not in told["CACHE_URL"].replace("user:password@", "")


def test_messages_about_wrong_settings_contain_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key_text()
    told = problems(monkeypatch, DATABASE_URL=POSTGRES, HASH_KEY=key + "=", ENCRYPTION_KEYS=f"{key}:k1", PORT="http")
    assert key not in str(told)
    assert "pass-word" not in str(told)


def test_settings_do_not_print_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": POSTGRES, **KEYS}.items():
        monkeypatch.setenv(name, value)
    printed = repr(settings.load())
    assert "pass-word" not in printed
    assert KEYS["HASH_KEY"] not in printed
    assert KEYS["ENCRYPTION_KEYS"] not in printed


@pytest.mark.parametrize(
    ("host", "public", "base"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8265"),
        ("10.0.0.7", "", "http://10.0.0.7:8265"),
        ("api.internal", "", "http://api.internal:8265"),
        ("0.0.0.0", "", "http://127.0.0.1:8265"),
        ("::", "", "http://[::1]:8265"),
        ("2001:db8::7", "", "http://[2001:db8::7]:8265"),
        ("0.0.0.0", "https://api.example.com/", "https://api.example.com"),
    ],
)
def test_base_urls_are_reachable(host: str, public: str, base: str) -> None:
    assert settings.load(host=host, port=8265, public_url=public).base_url == base


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example, http://localhost:3000,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")
    chosen = settings.load()
    assert chosen.allowed_origins == ["https://a.example", "http://localhost:3000"]
    assert chosen.trusted_proxies == ["10.0.0.0/8", "::1"]


def test_the_embedded_default_creates_its_keys_once_readable_only_by_its_owner(tmp_path: Path) -> None:
    first = settings.load(data_dir=tmp_path / "data")
    sealed = first.keyring().keyed_hash("test", b"1")
    (file,) = (tmp_path / "data").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.load(data_dir=tmp_path / "data").keyring().keyed_hash("test", b"1") == sealed
    assert settings.load(data_dir=tmp_path / "other").keyring().keyed_hash("test", b"1") != sealed
