"""Limits failed logins, failed password checks and disclosures. Counted in the database, within the last 15 minutes.

    10  failed logins per e-mail address and network        locks out the attacker's network only
    100 per e-mail address, all networks                    bounds attacks from many networks; locks out the user as well
    50  per network, all e-mail addresses                   bounds an attack on many users
        twice the network limits per IPv6 site (/56)        bounds an attacker with many networks
    10  wrong current passwords per session                 bounds a stolen session; failures of other sessions do not count
    20  disclosures per user or key                         bounds enumeration of names and addresses (`uniqueness.py`)
    200 disclosures per account or service provider         bounds all its users and keys together

An attempt is written before the password is checked and withdrawn if it was right, so concurrent attempts count each other on
any number of workers. A wrong one counts for 15 minutes; one without a result, because the database failed, for 15 seconds. A
disclosure counts only once it happens, so any number of free names can be taken concurrently.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.audit.audited_update import Columns
from app.foundation.access import Scope, Viewer
from app.foundation.encryption import Keyring
from app.foundation.errors import RateLimited
from app.foundation.identifiers import new_id
from app.foundation.networks import network_of, site_of
from app.users.model import LoginFailure

WINDOW = timedelta(minutes=15)
# How long an attempt without a result counts: longer than any request takes.
PENDING = timedelta(seconds=15)
MAXIMUM_BY_EMAIL_AND_NETWORK = 10
MAXIMUM_BY_EMAIL = 100
MAXIMUM_BY_NETWORK = 50
MAXIMUM_BY_SESSION = 10
# A site (IPv6 /56) is 256 networks: with many internet providers one customer, with others several.
_SITE_FACTOR = 2
MAXIMUM_DISCLOSURES = 20
MAXIMUM_DISCLOSURES_BY_OWNER = 200

_Limit = tuple[int, Columns]
"""The maximum number of failures with these column values."""


def email_subject(keyring: Keyring, key: str) -> bytes:
    return keyring.keyed_hash("login", key.encode())


@dataclass(frozen=True)
class Attempt:
    id: UUID
    subject: bytes
    network: str


async def begin(subject: bytes, address: str) -> Attempt:
    """Counts a login attempt, to pass to `fail` or `withdraw`. Raises RateLimited with the time to retry."""
    network = network_of(address)
    limits: list[_Limit] = [
        (MAXIMUM_BY_EMAIL_AND_NETWORK, {"subject": subject, "network": network}),
        (MAXIMUM_BY_EMAIL, {"subject": subject}),
    ]
    if network:
        limits.append((MAXIMUM_BY_NETWORK, {"network": network}))
    if (site := site_of(network)) != network:
        # Text comparison orders these like numbers, because they have the same length.
        within = {"network__gte": f"{site}00::/64", "network__lte": f"{site}ff::/64"}
        limits.append((_SITE_FACTOR * MAXIMUM_BY_EMAIL_AND_NETWORK, {"subject": subject, **within}))
        limits.append((_SITE_FACTOR * MAXIMUM_BY_NETWORK, within))
    return await _add_attempt(subject, network, limits)


async def begin_for_session(session_id: UUID) -> Attempt:
    """Like `begin`, for a check of the current password in an open session."""
    subject = _session_subject(session_id)
    return await _add_attempt(subject, "", [(MAXIMUM_BY_SESSION, {"subject": subject})])


async def check_disclosures(keyring: Keyring, viewer: Viewer) -> None:
    """Raises RateLimited if the caller has received the maximum number of disclosures. Admins are not limited."""
    caller = _caller(keyring, viewer)
    if caller is not None:
        now = datetime.now(UTC)
        _raise_if_limited(now, await _wait_ends(_disclosure_limits(*caller), now))


async def count_disclosure(keyring: Keyring, viewer: Viewer) -> None:
    """Counts a disclosure, which must not happen if this raises RateLimited. Admins see every row and are not counted."""
    caller = _caller(keyring, viewer)
    if caller is not None:
        await fail(await _add_attempt(*caller, _disclosure_limits(*caller)))


def _caller(keyring: Keyring, viewer: Viewer) -> tuple[bytes, str] | None:
    """The subject (the caller's owner) and the network (the user or key) of a disclosure; None for admins."""
    owner, actor = viewer.account_id or viewer.service_provider_id, viewer.user_id or viewer.key_id
    if viewer.scope is Scope.ADMIN or owner is None:
        return None
    return keyring.keyed_hash("taken", owner.bytes), str(actor)


def _disclosure_limits(subject: bytes, actor: str) -> list[_Limit]:
    return [
        (MAXIMUM_DISCLOSURES, {"subject": subject, "network": actor}),
        (MAXIMUM_DISCLOSURES_BY_OWNER, {"subject": subject}),
    ]


async def _add_attempt(subject: bytes, network: str, limits: list[_Limit]) -> Attempt:
    now = datetime.now(UTC)
    await LoginFailure.filter(tried_at__lt=now - WINDOW).delete()
    attempt = Attempt(new_id(), subject, network)
    await _write(attempt, now - WINDOW + PENDING)
    ends = await _wait_ends(limits, now, own=attempt.id)
    if ends:
        await withdraw(attempt)  # a rejected attempt must not prolong the wait that the error announces
    _raise_if_limited(now, ends)
    return attempt


def _raise_if_limited(now: datetime, ends: list[datetime]) -> None:
    if ends:
        seconds = max(1, int((max(ends) - now).total_seconds()) + 1)
        raise RateLimited(
            f"Too many failed attempts. Try again in {-(-seconds // 60)} minutes.",
            retryAfterSeconds=seconds,
            retryAt=max(ends).isoformat(timespec="seconds"),
        )


async def fail(attempt: Attempt) -> None:
    """Marks the attempt as failed: it counts from now on."""
    now = datetime.now(UTC)
    if not await LoginFailure.filter(id=attempt.id).update(tried_at=now):
        await _write(attempt, now)  # a worker whose clock is ahead has deleted it as expired


async def _write(attempt: Attempt, tried_at: datetime) -> None:
    await LoginFailure.create(id=attempt.id, subject=attempt.subject, network=attempt.network, tried_at=tried_at)


async def withdraw(attempt: Attempt) -> None:
    await LoginFailure.filter(id=attempt.id).delete()


async def clear(subject: bytes, address: str) -> None:
    """Forgets the failures of this network after a successful login: they were typing errors."""
    await LoginFailure.filter(subject=subject, network=network_of(address)).delete()


async def clear_for_session(session_id: UUID) -> None:
    """Like `clear`, for an open session."""
    await LoginFailure.filter(subject=_session_subject(session_id)).delete()


def _session_subject(session_id: UUID) -> bytes:
    return b"session " + session_id.bytes


async def _wait_ends(limits: list[_Limit], now: datetime, own: UUID | None = None) -> list[datetime]:
    """For each limit reached by other attempts than `own`, when it next allows one."""
    ends = []
    for maximum, same in limits:
        others = LoginFailure.filter(**same, tried_at__gte=now - WINDOW).exclude(id=own or new_id())
        last = await others.order_by("-tried_at").offset(maximum - 1).first()
        ends += [last.tried_at + WINDOW] if last is not None else []
    return ends
