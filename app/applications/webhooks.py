"""The webhooks of an application: from what an input gives to the columns that are written."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.encryption import Keyring
from app.errors import Problems, UserErrorCode
from app.outbound import OutboundGate
from app.webhooks.addresses import checked_url, origin
from app.webhooks.model import WebhookMethod
from app.webhooks.rules import MAXIMUM_CREDENTIAL, WebhookChange


@dataclass(frozen=True)
class WebhookField:
    """One of an application's webhooks: the input field, how its columns begin, and the schemes that it may have."""

    name: str
    column: str
    schemes: tuple[str, ...]

    def columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{self.column}_{name}": value for name, value in values.items()}

    def stored(self, row: Any) -> dict[str, Any]:
        """What is stored of it, by the names in NONE."""
        return {name: getattr(row, f"{self.column}_{name}") for name in NONE}


CALLING = WebhookField("callingWebhook", "calling_webhook", ("http", "https", "ws", "wss"))
CALL_STATUS = WebhookField("callStatusWebhook", "call_status_webhook", ("http", "https"))
NONE: dict[str, Any] = {"url": None, "method": None, "username": None, "password": None}
"""No webhook."""


@dataclass(frozen=True)
class WebhookReader:
    """Reads the webhooks of one input for one application; what is wrong goes to `problems`."""

    keyring: Keyring
    gate: OutboundGate
    row_id: UUID
    problems: Problems

    def columns(self, which: WebhookField, stored: Mapping[str, Any], change: WebhookChange | None) -> dict[str, Any]:
        """All columns of the webhook, also those that stay; None clears it."""
        if change is None:
            return which.columns(NONE)
        found_before = len(self.problems.found)
        url = checked_url(change.url, self.problems, which.name, "url", schemes=which.schemes, gate=self.gate)
        is_wrong = len(self.problems.found) > found_before
        stays_there = is_wrong or stored["url"] is None or origin(url) == origin(stored["url"])
        method = self._method(which, stored, change)
        username, password = self._credentials(which, stored, change, stays_there=stays_there)
        return which.columns({"url": url, "method": method, "username": username, "password": password})

    def _method(self, which: WebhookField, stored: Mapping[str, Any], change: WebhookChange) -> WebhookMethod:
        given: WebhookMethod | None = change.method.value if change.method else stored["method"]
        if change.method is not None and given is None:
            message = "The method cannot be cleared; leave it out to keep it as it is."
            self.problems.add(UserErrorCode.REQUIRED, message, which.name, "method")
        return given or WebhookMethod.POST

    def _credentials(
        self, which: WebhookField, stored: Mapping[str, Any], change: WebhookChange, *, stays_there: bool
    ) -> tuple[str | None, bytes | None]:
        """User name and sealed password: the given ones, none, or the stored ones."""
        if _keeps(stored, change):
            if stored["username"] is not None and not stays_there:
                # A stored password never goes to a server that it was not entered for.
                message = "The stored password belongs to another server; enter it again, or null for both for none."
                for name in ("username", "password"):
                    self.problems.add(UserErrorCode.REQUIRED, message, which.name, name)
            return stored["username"], stored["password"]
        username = change.username.value if change.username else None
        password = change.password.value if change.password else None
        if (username is None) != (password is None):
            missing = "username" if username is None else "password"
            message = "User name and password are given together; leave out both to keep the stored ones."
            self.problems.add(UserErrorCode.REQUIRED, message, which.name, missing)
        self._check(username, "user name", which.name, "username")
        self._check(password, "password", which.name, "password")
        if username is None or password is None or self.problems.found:
            return None, None
        return username, self._sealed(which, password)

    def _check(self, text: str | None, what: str, *path: str) -> None:
        if text is None:
            return
        if not text:
            self.problems.add(UserErrorCode.INVALID, f"The {what} is empty; null for both means none.", *path)
        elif len(text) > MAXIMUM_CREDENTIAL:
            message = f"The {what} has {len(text)} characters; at most {MAXIMUM_CREDENTIAL} are allowed."
            self.problems.add(UserErrorCode.TOO_LONG, message, *path)
        elif any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
            self.problems.add(UserErrorCode.INVALID, f"The {what} holds a control character; remove it.", *path)
        elif path[-1] == "username" and ":" in text:  # RFC 7617, 2
            message = "The user name holds a colon, which basic authentication cannot send."
            self.problems.add(UserErrorCode.INVALID, message, *path)

    def _sealed(self, which: WebhookField, password: str) -> bytes:
        column = f"{which.column}_password"
        return self.keyring.seal(password, table="applications", column=column, row=self.row_id)


def _keeps(stored: Mapping[str, Any], change: WebhookChange) -> bool:
    """Whether the stored credentials stay: the password is left out, and the user name is too, or is the stored one.

    A form that shows the stored name sends it back with the rest.
    """
    return change.password is None and (
        change.username is None or (stored["username"] is not None and change.username.value == stored["username"])
    )
