"""What an account's webhooks may be: from what an input gives to the columns of the account."""

import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import Some

from app.encryption import Keyring
from app.errors import Problems, UserErrorCode
from app.outbound import OutboundGate
from app.webhooks.addresses import checked_url, origin
from app.webhooks.model import WebhookKind, WebhookMethod

MAXIMUM_CREDENTIAL = 255
SCHEMES = ("http", "https")
METHODS = {WebhookKind.REGISTRATION: tuple(WebhookMethod), WebhookKind.QUEUE_EVENT: (WebhookMethod.POST,)}
# Under which names the columns of the account and the fields of inputs go.
COLUMNS = {WebhookKind.REGISTRATION: "registration_webhook", WebhookKind.QUEUE_EVENT: "queue_event_webhook"}
FIELDS = {WebhookKind.REGISTRATION: "registrationWebhook", WebhookKind.QUEUE_EVENT: "queueEventWebhook"}


@dataclass(frozen=True)
class WebhookChange:
    """What an input gives of a webhook; None is what it leaves out, Some(None) is an explicit null."""

    url: str
    method: Some[WebhookMethod | None] | None = None
    username: Some[str | None] | None = None
    password: Some[str | None] | None = None


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is stored. `password` is sealed, and there when `username` is."""

    url: str
    method: WebhookMethod
    username: str | None
    password: bytes | None

    @property
    def has_password(self) -> bool:
        return self.username is not None


class Reader:
    """Reads the webhooks of one input for one account, as it is stored."""

    def __init__(self, keyring: Keyring, gate: OutboundGate, account: Any, problems: Problems) -> None:
        self._keyring = keyring
        self._gate = gate
        self._account = account
        self._problems = problems

    def columns(self, kind: WebhookKind, change: WebhookChange | None) -> dict[str, Any]:
        """All columns of the webhook, also those that stay; None clears it. What is wrong goes to the problems."""
        if change is None:
            return _columns(kind, None)
        stored, field, found_before = stored_webhook(self._account, kind), FIELDS[kind], len(self._problems.found)
        url = checked_url(change.url, self._problems, field, "url", schemes=SCHEMES, gate=self._gate)
        stays_there = len(self._problems.found) > found_before or stored is None or origin(url) == origin(stored.url)
        method = self._method(kind, change, stored)
        username, password = self._credentials(kind, change, stored, stays_there)
        return _columns(kind, Webhook(url, method, username, password))

    def _method(self, kind: WebhookKind, change: WebhookChange, stored: Webhook | None) -> WebhookMethod:
        if change.method is None:
            return stored.method if stored else WebhookMethod.POST
        if change.method.value is None:
            message = "The method cannot be cleared; leave it out to keep it as it is."
            self._problems.add(UserErrorCode.REQUIRED, message, FIELDS[kind], "method")
        elif change.method.value not in METHODS[kind]:
            message = "The queue event webhook is always called with POST."
            self._problems.add(UserErrorCode.INVALID, message, FIELDS[kind], "method")
        return change.method.value or WebhookMethod.POST

    def _credentials(
        self, kind: WebhookKind, change: WebhookChange, stored: Webhook | None, stays_there: bool
    ) -> tuple[str | None, bytes | None]:
        """User name and sealed password: the given ones, none, or the stored ones."""
        if _keeps(change, stored):
            if stored and stored.has_password and not stays_there:
                # A stored password never goes to a server that it was not entered for.
                message = "The stored password belongs to another server; enter it again, or null for both for none."
                for name in ("username", "password"):
                    self._problems.add(UserErrorCode.REQUIRED, message, FIELDS[kind], name)
            return (stored.username, stored.password) if stored else (None, None)
        username = change.username.value if change.username else None
        password = change.password.value if change.password else None
        if (username is None) != (password is None):
            missing = "username" if username is None else "password"
            message = "User name and password are given together; leave out both to keep the stored ones."
            self._problems.add(UserErrorCode.REQUIRED, message, FIELDS[kind], missing)
        self._check(username, "user name", FIELDS[kind], "username")
        self._check(password, "password", FIELDS[kind], "password")
        if username is not None and ":" in username:
            message = "The user name holds a colon, which basic authentication cannot send."
            self._problems.add(UserErrorCode.INVALID, message, FIELDS[kind], "username")
        if username is None or password is None or self._problems.found:
            return None, None
        return username, _seal(self._keyring, kind, self._account.id, password)

    def _check(self, text: str | None, what: str, *path: str) -> None:
        if text is None:
            return
        if not text:
            message = f"The {what} is empty; null for both means none."
            self._problems.add(UserErrorCode.INVALID, message, *path)
        elif len(text) > MAXIMUM_CREDENTIAL:
            message = f"The {what} has {len(text)} characters; at most {MAXIMUM_CREDENTIAL} are allowed."
            self._problems.add(UserErrorCode.TOO_LONG, message, *path)
        elif any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
            self._problems.add(UserErrorCode.INVALID, f"The {what} holds a control character; remove it.", *path)


def stored_webhook(account: Any, kind: WebhookKind) -> Webhook | None:
    """The webhook in an account's columns; None when there is none."""
    name = COLUMNS[kind]
    url = getattr(account, f"{name}_url")
    if url is None:
        return None
    method = account.registration_webhook_method if kind is WebhookKind.REGISTRATION else WebhookMethod.POST
    return Webhook(url, method, getattr(account, f"{name}_username"), getattr(account, f"{name}_password"))


def open_password(keyring: Keyring, kind: WebhookKind, account_id: UUID, webhook: Webhook) -> str | None:
    """The password in clear, to be sent; None when there is none. Raises CannotOpen."""
    if webhook.password is None:
        return None
    return keyring.open(webhook.password, table="accounts", column=f"{COLUMNS[kind]}_password", row=account_id)


def _seal(keyring: Keyring, kind: WebhookKind, account_id: UUID, password: str) -> bytes:
    return keyring.seal(password, table="accounts", column=f"{COLUMNS[kind]}_password", row=account_id)


def _keeps(change: WebhookChange, stored: Webhook | None) -> bool:
    """Whether the stored credentials stay: the password is left out, and the user name is too, or is the stored one.

    A form that shows the stored name sends it back with the rest.
    """
    if change.password is not None:
        return False
    return change.username is None or (
        stored is not None and stored.has_password and change.username.value == stored.username
    )


def _columns(kind: WebhookKind, webhook: Webhook | None) -> dict[str, Any]:
    name = COLUMNS[kind]
    values: dict[str, Any] = {f"{name}_url": webhook.url if webhook else None}
    if kind is WebhookKind.REGISTRATION:
        values[f"{name}_method"] = webhook.method if webhook else None
    values[f"{name}_username"] = webhook.username if webhook else None
    values[f"{name}_password"] = webhook.password if webhook else None
    return values
