"""Webhook settings: converts an input to the columns of an account or an application, and validates it."""

from dataclasses import dataclass, field
from uuid import UUID

from strawberry import Some
from tortoise.models import Model

from app.foundation.encryption import CannotOpen, Keyring
from app.foundation.masks import is_mask
from app.foundation.names import has_control_characters
from app.foundation.outbound.guard import OutboundGate
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule, ValueRule
from app.webhooks.addresses import checked_url, origin
from app.webhooks.model import WebhookKind, WebhookMethod

MAXIMUM_CREDENTIAL = 255
SCHEMES = ("http", "https")


class WebhookRule(UserErrorRule):
    METHOD_NOT_ALLOWED = UserErrorCode.INVALID, "The method of {webhook} must be {allowed}."
    PASSWORD_OF_OTHER_SERVER = (
        UserErrorCode.REQUIRED,
        "The stored password belongs to another server: enter it again, or send null for both to remove them.",
    )
    CREDENTIALS_INCOMPLETE = (
        UserErrorCode.REQUIRED,
        "Enter user name and password together; leave out both to keep the stored ones.",
    )
    PASSWORD_MASKED = (
        UserErrorCode.INVALID,
        "This is a placeholder for a password: leave out the password to keep the stored one.",
    )
    USER_NAME_COLON = (
        UserErrorCode.INVALID,
        "The user name contains a colon, which basic authentication does not allow.",
    )
    CREDENTIAL_EMPTY = UserErrorCode.INVALID, "The {credential} is empty; send null for both to remove them."
    CREDENTIAL_TOO_LONG = (
        UserErrorCode.TOO_LONG,
        "The {credential} has {length} characters; at most {maximum} are allowed.",
    )
    CREDENTIAL_CONTROL_CHARACTER = (
        UserErrorCode.INVALID,
        "The {credential} contains a control character; remove it.",
    )


@dataclass(frozen=True)
class WebhookChange:
    """A webhook's input; None for an absent field, Some(None) for an explicit null."""

    url: str
    method: Some[WebhookMethod | None] | None = None
    username: Some[str | None] | None = None
    password: Some[str | None] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Webhook:
    """A stored webhook. `password` is encrypted, and set when `username` is."""

    url: str
    method: WebhookMethod
    username: str | None
    password: bytes | None


@dataclass(frozen=True)
class WebhookField:
    """A webhook of a table's rows: its input field, the prefix of its columns, and its schemes and methods.

    With a single method, there is no column for it.
    """

    name: str
    table: str
    column: str
    schemes: tuple[str, ...] = SCHEMES
    methods: tuple[WebhookMethod, ...] = tuple(WebhookMethod)

    def stored(self, row: Model) -> Webhook | None:
        """The webhook in a row's columns; None when there is none."""
        url = getattr(row, f"{self.column}_url")
        if url is None:
            return None
        method = getattr(row, f"{self.column}_method") if len(self.methods) > 1 else self.methods[0]
        return Webhook(url, method, getattr(row, f"{self.column}_username"), getattr(row, f"{self.column}_password"))

    def columns(self, webhook: Webhook | None) -> dict[str, object]:
        """The values of all its columns; null without a webhook."""
        names = ("url", "method", "username", "password") if len(self.methods) > 1 else ("url", "username", "password")
        return {f"{self.column}_{name}": getattr(webhook, name) if webhook else None for name in names}

    def seal(self, keyring: Keyring, row_id: UUID, password: str) -> bytes:
        return keyring.seal(password, table=self.table, column=f"{self.column}_password", row=row_id)

    def open(self, keyring: Keyring, row_id: UUID, webhook: Webhook) -> str | None:
        """The decrypted password; None when there is none. Raises CannotOpen."""
        if webhook.password is None:
            return None
        return keyring.open(webhook.password, table=self.table, column=f"{self.column}_password", row=row_id)


ACCOUNT_WEBHOOKS = {
    WebhookKind.REGISTRATION: WebhookField("registrationWebhook", "accounts", "registration_webhook"),
    WebhookKind.QUEUE_EVENT: WebhookField(
        "queueEventWebhook", "accounts", "queue_event_webhook", methods=(WebhookMethod.POST,)
    ),
}


@dataclass(frozen=True)
class WebhookValidator:
    """Validates the webhooks of one input against the stored row (None before creation). Adds errors to `errors`."""

    keyring: Keyring
    gate: OutboundGate
    row_id: UUID
    row: Model | None
    errors: ErrorCollector

    def columns(self, field: WebhookField, change: WebhookChange | None) -> dict[str, object]:
        """All columns of the webhook, except an unchanged password: encrypting it again would count as a change.

        None clears the webhook.
        """
        if change is None:
            return field.columns(None)
        stored = field.stored(self.row) if self.row is not None else None
        found_before = len(self.errors.found)
        url = checked_url(change.url, self.errors, field.name, "url", schemes=field.schemes, gate=self.gate)
        same_origin = len(self.errors.found) > found_before or stored is None or origin(url) == origin(stored.url)
        method = self._method(field, change, stored)
        username, password = self._credentials(field, change, stored, same_origin)
        columns = field.columns(Webhook(url, method, username, password))
        if stored is not None and password is not None and password == stored.password:
            del columns[f"{field.column}_password"]
        return columns

    def _method(self, field: WebhookField, change: WebhookChange, stored: Webhook | None) -> WebhookMethod:
        if change.method is None:
            return stored.method if stored else WebhookMethod.POST
        if change.method.value is None:
            self.errors.add(ValueRule.NULL_NOT_ALLOWED, field.name, "method")
        elif change.method.value not in field.methods:
            allowed = " or ".join(method.name for method in field.methods)
            rule = WebhookRule.METHOD_NOT_ALLOWED
            self.errors.add(rule, field.name, "method", webhook=field.name, allowed=allowed)
        return change.method.value or WebhookMethod.POST

    def _credentials(
        self, field: WebhookField, change: WebhookChange, stored: Webhook | None, same_origin: bool
    ) -> tuple[str | None, bytes | None]:
        """User name and encrypted password: the given ones, none, or the stored ones."""
        if _keeps_credentials(change, stored):
            if stored and stored.username is not None and not same_origin:
                # A stored password is never sent to a server that it was not entered for.
                for name in ("username", "password"):
                    self.errors.add(WebhookRule.PASSWORD_OF_OTHER_SERVER, field.name, name)
            return (stored.username, stored.password) if stored else (None, None)
        username = change.username.value if change.username else None
        password = change.password.value if change.password else None
        if (username is None) != (password is None):
            missing = "username" if username is None else "password"
            self.errors.add(WebhookRule.CREDENTIALS_INCOMPLETE, field.name, missing)
        self._check(username, "user name", field.name, "username")
        self._check(password, "password", field.name, "password")
        if password is not None and len(password) <= MAXIMUM_CREDENTIAL and is_mask(password):
            self.errors.add(WebhookRule.PASSWORD_MASKED, field.name, "password")
        if username is not None and ":" in username:  # RFC 7617, 2
            self.errors.add(WebhookRule.USER_NAME_COLON, field.name, "username")
        if username is None or password is None or self.errors.found:
            return None, None
        if stored is not None and self._is_stored(field, stored, password):
            return username, stored.password
        return username, field.seal(self.keyring, self.row_id, password)

    def _is_stored(self, field: WebhookField, stored: Webhook, password: str) -> bool:
        """Whether a password equals the stored one. One that cannot be decrypted is replaced."""
        try:
            return field.open(self.keyring, self.row_id, stored) == password
        except CannotOpen:
            return False

    def _check(self, text: str | None, credential: str, *path: str) -> None:
        if text is None:
            return
        if not text:
            self.errors.add(WebhookRule.CREDENTIAL_EMPTY, *path, credential=credential)
        elif len(text) > MAXIMUM_CREDENTIAL:
            bounds = {"length": len(text), "maximum": MAXIMUM_CREDENTIAL}
            self.errors.add(WebhookRule.CREDENTIAL_TOO_LONG, *path, credential=credential, **bounds)
        elif has_control_characters(text):
            self.errors.add(WebhookRule.CREDENTIAL_CONTROL_CHARACTER, *path, credential=credential)


def _keeps_credentials(change: WebhookChange, stored: Webhook | None) -> bool:
    """Whether the stored credentials stay: the password is absent, and the user name is absent or unchanged.

    A form sends back the user name that it shows.
    """
    if change.password is not None:
        return False
    return change.username is None or (
        stored is not None and stored.username is not None and change.username.value == stored.username
    )
