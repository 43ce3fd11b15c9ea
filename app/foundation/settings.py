"""Typed settings, read once from environment variables. All invalid ones are reported together.

`python -m app serve` needs none of them: it then keeps everything in `var/`.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.foundation.database import url as database_url
from app.foundation.encryption import Keyring, key_from_text, new_key_text

_KEY_FILE = "keys.json"
_COMMANDS = {"ENCRYPTION_KEYS": 'echo "k1:$(openssl rand -base64 32)"', "HASH_KEY": "openssl rand -base64 32"}
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?", re.ASCII)

# A bearer token (RFC 6750, 2.1) of at least 32 characters.
_METRICS_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{32,}", re.ASCII)


class WrongSettings(Exception):
    """Invalid settings; `problems` has one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def _words(text: str) -> list[str]:
    """Splits a comma-separated list: `https://a.example, https://b.example`."""
    return [word.strip() for word in text.split(",") if word.strip()]


class Settings(BaseSettings):
    """One attribute for each environment variable; `table` prints their descriptions for `docs/operations.md`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_file=None)

    data_dir: Path = Field(
        Path("var"),
        description="Folder of the embedded database and its key file, of GraphiQL's files, of the time of the last "
        "`maintain`, and of the spool where `SPOOL_DIR` is empty.",
    )
    database_url: str = Field(
        "",
        repr=False,
        description="`postgres://user:password@host:5432/name` in production, with `?sslmode=verify-full` for TLS; "
        "empty: an embedded PostgreSQL in `DATA_DIR`.",
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Database connections of each worker.")
    database_timeout_seconds: float = Field(10, gt=0, le=120, description="Longest time for one database statement.")
    encryption_keys: str = Field(
        "",
        repr=False,
        description="Keys for secrets at rest, `id:base64 of 32 bytes`, comma-separated; the first encrypts, all decrypt.",
    )
    hash_key: str = Field(
        "", repr=False, description="Base64 of 32 bytes; the key for hashes of tokens. Must never change."
    )
    cache_url: str = Field(
        "",
        repr=False,
        description="Valkey, for the gateway's prompt cache and for live events between workers: "
        "`valkey://user:password@host:6379/0`, or `valkeys://` with TLS; empty: none.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=256, description="Worker processes.")
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Origins of front ends that may call from a browser (CORS), comma-separated; none by default."
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        [],
        description="Addresses or networks of proxies whose `X-Forwarded-…` headers count; none by default. "
        "Without them all clients behind a proxy share the limits of one address: failed logins, connections, WebSockets.",
    )
    connections_per_address: int = Field(
        500,
        ge=1,
        le=100_000,
        description="Connections that each worker keeps open for one address (IPv6: one /64), without WebSockets; "
        "`TRUSTED_PROXIES` have no such limit. One more closes the oldest idle connection, or gets 503 when "
        "none is idle.",
    )
    anonymous_introspection: bool = Field(False, description="Whether callers without a key may read the schema.")
    graphiql: bool = Field(False, description="Whether `GET /graphql` serves the GraphiQL page to browsers.")
    outbound_allowed_hosts: Annotated[list[str], NoDecode] = Field(
        [],
        description="Private hosts (`name` or `name:port`) that tenants' URLs may name.",
    )
    session_idle_minutes: int = Field(720, ge=5, le=43_200, description="Minutes after which an unused session ends.")
    session_days: int = Field(30, ge=1, le=365, description="Days after which a session ends, even if it is in use.")
    verifications_at_once: int = Field(
        8,
        ge=1,
        le=1000,
        description="Storage tests that run at once in each worker; one account has at most half of them, one service provider "
        "three quarters.",
    )
    audit_days: int = Field(
        400, ge=1, le=36_500, description="How long `python -m app maintain` keeps events of the audit trail, in days."
    )
    public_url: str = Field(
        "",
        description="Where clients reach this server, such as `https://api.example.com`: recordings' addresses begin with "
        "it; empty: `http://HOST:PORT`, with `127.0.0.1` for `0.0.0.0` and `[::1]` for `::`.",
    )
    spool_dir: str = Field(
        "",
        description="Folder where recordings wait for upload; empty: `spool` in `DATA_DIR`. It needs a persistent disk.",
    )
    spool_megabytes: int = Field(
        10_240,
        ge=1,
        le=100_000_000,
        description="Largest size of the spool; one account has at most a quarter of it, one service provider three quarters. "
        "New recordings beyond it are refused.",
    )
    recording_streams: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="Calls that each worker records at once; one account has at most half of them, one service provider with its "
        "accounts three quarters.",
    )
    live_connections: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="Authenticated WebSockets on `/graphql` (subscriptions) that each worker keeps open; one key or session has "
        "at most a quarter of them, one account half, one service provider with its accounts three quarters.",
    )
    accounts_per_provider: int = Field(
        10_000,
        ge=1,
        le=10_000_000,
        description="Accounts that a service provider may have. `createAccount` enforces it; `moveAccount` does not.",
    )
    applications_per_account: int = Field(500, ge=1, le=1_000_000, description="Applications that an account may have.")
    api_keys_per_owner: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Valid API keys (neither revoked nor expired) that an account or a service provider may have, and keys that "
        "it may create within 24 hours. Admins' keys are not limited.",
    )
    users_per_owner: int = Field(
        500,
        ge=1,
        le=1_000_000,
        description="Users that an account or a service provider may have, including deactivated ones. Admins are not limited.",
    )
    stored_credentials_per_account: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="Storage keys of an account that are kept for recordings stored with them; at this number, its recording "
        "configuration accepts no other keys.",
    )
    idempotency_keys_per_caller: int = Field(
        10_000,
        ge=1,
        le=1_000_000,
        description="Idempotency keys that an API key or a user may use within 24 hours.",
    )
    call_days: int = Field(
        400,
        ge=1,
        le=36_500,
        description="How long `python -m app maintain` keeps calls, in days; it drops whole months. Recordings in buckets are "
        "never touched.",
    )
    call_key_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="How long `python -m app maintain` keeps the gateways' ids by which reports find their calls, in days after "
        "the call's start. A later report creates a new call.",
    )
    compiled_operations: bool = Field(
        True,
        description="Whether operations are compiled to SQL; off: all of them run field by field, which is slower.",
    )
    metrics_token: str = Field(
        "",
        repr=False,
        description="Token for `GET /metrics`, sent as `Authorization: Bearer …`, which works without the database; at least 32 "
        "characters; empty: only admins read it.",
    )
    operations_per_caller: int = Field(
        3,
        ge=1,
        le=1000,
        description="Operations of one key or person that each worker runs at once; all keys and people of an account or service "
        "provider together run twice as many, a service provider with its accounts three times as many. Further operations "
        "wait.",
    )
    max_body_bytes: int = Field(1_048_576, ge=1024, le=10_485_760, description="Longest request body, in bytes.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("allowed_origins", "trusted_proxies", "outbound_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        problem = database_url.problem(value) if value else None
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("cache_url")
    @classmethod
    def _known_cache(cls, value: str) -> str:
        if value and not _is_cache(value):
            raise ValueError(
                "must be like valkey://user:password@host:6379/0 (valkeys:// with TLS; redis:// and rediss:// are the "
                f"same), with special characters percent-encoded; after it, with TLS, only: {', '.join(_TLS_OPTIONS)}"
            )
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
                raise ValueError(f"{origin!r} is not an origin such as https://portal.example.com")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator("outbound_allowed_hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is not a host such as minio.internal or 127.0.0.1:9000 (no http://)")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _readable_keys(cls, value: str) -> str:
        _read_keys(value)
        return value

    @field_validator("hash_key")
    @classmethod
    def _readable_hash_key(cls, value: str) -> str:
        if value:
            key_from_text(value)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _sendable_token(cls, value: str) -> str:
        if value and not _METRICS_TOKEN.fullmatch(value):
            raise ValueError("must be at least 32 letters, digits and `-_.~+/=`; make one with: openssl rand -hex 32")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _combinations(cls, given: dict[str, object], validate: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        """Reports wrong combinations of variables together with wrong values."""
        problems = _wrong_combinations(given)
        try:
            settings = validate(given)
        except ValidationError as error:
            raise WrongSettings([_line(detail) for detail in error.errors()] + problems) from None
        if problems:
            raise WrongSettings(problems)
        return settings

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded PostgreSQL in `data_dir` is used, which needs no set-up."""
        return not self.database_url

    @property
    def spool(self) -> Path:
        """The folder where recordings wait for upload."""
        return Path(self.spool_dir) if self.spool_dir else self.data_dir / "spool"

    @property
    def base_url(self) -> str:
        """The base of the URLs that the API returns, without a final slash."""
        host = self.host
        if self.listens_everywhere:
            host = "::1" if ":" in host else "127.0.0.1"
        return self.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def listens_everywhere(self) -> bool:
        """True for 0.0.0.0 and ::."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:  # a name
            return False

    @property
    def database_display_name(self) -> str:
        """The database's display name, without the password."""
        if self.is_embedded:
            return f"PostgreSQL embedded in {self.data_dir}"
        return database_url.display_name(self.database_url)

    def keyring(self) -> Keyring:
        """The keys from the environment, or from a key file that is created at first use (embedded database only)."""
        if self.encryption_keys and self.hash_key:
            return Keyring(_read_keys(self.encryption_keys), key_from_text(self.hash_key))
        stored = json.loads(self._key_file().read_text())
        return Keyring(_read_keys(stored["encryption_keys"]), key_from_text(stored["hash_key"]))

    @property
    def uses_key_file(self) -> bool:
        return not (self.encryption_keys and self.hash_key)

    def _key_file(self) -> Path:
        path = self.data_dir / _KEY_FILE
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"encryption_keys": f"k1:{new_key_text()}", "hash_key": new_key_text()})
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
        return path


def load(**overrides: Any) -> Settings:
    """The settings from the environment; `overrides` are command line options. Raises WrongSettings."""
    return Settings(**overrides)


def _wrong_combinations(given: Mapping[str, object]) -> list[str]:
    """Checks raw values, before each variable is validated."""
    url = str(given.get("database_url") or "")
    keys = {name: given.get(name.lower()) for name in ("ENCRYPTION_KEYS", "HASH_KEY")}
    problems = []
    if url or any(keys.values()):
        needed = "with a DATABASE_URL of your own" if url else "together with the other of the two"
        problems += [
            f"{name}: needed {needed}; make one with: {_COMMANDS[name]}" for name, key in keys.items() if not key
        ]
    return problems


def _is_cache(url: str) -> bool:
    """Whether it is a URL of Valkey. The client itself would ignore a wrong number, and fail late for unknown options."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        allowed = _TLS_OPTIONS if parts.scheme in {"valkeys", "rediss"} else ()
        return (
            parts.scheme in {"valkey", "valkeys", "redis", "rediss"}
            and bool(parts.hostname)
            and parts.port != 0
            and re.fullmatch(r"(/[0-9]{0,4})?", parts.path, re.ASCII) is not None
            and not parts.fragment
            and options.keys() <= set(allowed)
        )
    except ValueError:  # a port that is no number, a bracket that does not close
        return False


def _line(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else "settings"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] == "string_pattern_mismatch":
        message = "must be DEBUG, INFO, WARNING or ERROR"
    elif detail["type"].endswith("_parsing"):
        message = f"should be a valid {detail['type'].removesuffix('_parsing').replace('int', 'whole number')}"
    return f"{name}: {message}"


def _read_keys(text: str) -> dict[str, bytes]:
    keys = {}
    for entry in _words(text):
        key_id, separator, key = entry.partition(":")
        if not separator or not key_id or len(key_id) > 32:
            raise ValueError("each key is written `id:base64 of 32 bytes`, with an id of at most 32 characters")
        if key_id in keys:
            raise ValueError(f"the id {key_id!r} stands for two keys")
        try:
            keys[key_id] = key_from_text(key)
        except ValueError as error:
            raise ValueError(f"key {key_id!r} {error}") from None
    return keys


def table() -> str:
    """The table of environment variables in `docs/operations.md`, in Markdown."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, setting in Settings.model_fields.items():
        default = setting.get_default(call_default_factory=True)
        text = ", ".join(default) if isinstance(default, list) else str(default)
        rows.append(f"| `{name.upper()}` | {f'`{text}`' if text else ''} | {setting.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
