"""How often somebody may try: counted in the database, and forgotten after 15 minutes.

    10 failed logins for one e-mail address from one network      who guesses locks their own network out, and nobody else
    100 for one e-mail address from all networks together         bounds many networks that guess together, and keeps
                                                                  whoever has the address out with them
    50 from one network for all e-mail addresses together         bounds one that tries many people
    twice as many of each from one site, of IPv6                  bounds one that has many networks
    10 wrong present passwords in one session                     whoever found it open; strangers' failures do not count here
    20 addresses, realms, names found taken, for one key or person    whoever asks who is there (see `count_disclosure`)
    200 for one account or provider                               bounds all keys and people of an owner together

A try is written before the password is looked at and taken back when it was right, so that tries at once, in however many
workers, count each other. It counts for 15 minutes once it is found wrong. One that is neither, since the database failed before
the answer, counts for as long as a request takes. An address counts once it is found taken: many that are free may be taken at
once.
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
# How long a try counts that is not decided: longer than any request takes.
PENDING = timedelta(seconds=15)
MAXIMUM_BY_EMAIL_AND_NETWORK = 10
MAXIMUM_BY_EMAIL = 100
MAXIMUM_BY_NETWORK = 50
MAXIMUM_BY_SESSION = 10
# A site, the 56 bits of an IPv6 address that many customers have, is 256 networks; elsewhere it is several customers.
_SITE_FACTOR = 2
MAXIMUM_DISCLOSURES = 20
MAXIMUM_DISCLOSURES_BY_OWNER = 200

# How many of the tries with the same columns may have failed.
_Limit = tuple[int, Columns]


def email_subject(keyring: Keyring, key: str) -> bytes:
    return keyring.keyed_hash("login", key.encode())


@dataclass(frozen=True)
class LoginAttempt:
    """One that was begun."""

    id: UUID
    subject: bytes
    network: str


async def begin(subject: bytes, address: str) -> LoginAttempt:
    """Counts a try to log in; answers it, for `fail` or `take_back`. Raises RateLimited, saying when to come back."""
    network = network_of(address)
    limits: list[_Limit] = [
        (MAXIMUM_BY_EMAIL_AND_NETWORK, {"subject": subject, "network": network}),
        (MAXIMUM_BY_EMAIL, {"subject": subject}),
    ]
    if network:
        limits.append((MAXIMUM_BY_NETWORK, {"network": network}))
    if (site := site_of(network)) != network:
        # Of texts of one length: as numbers are ordered.
        within = {"network__gte": f"{site}00::/64", "network__lte": f"{site}ff::/64"}
        limits.append((_SITE_FACTOR * MAXIMUM_BY_EMAIL_AND_NETWORK, {"subject": subject, **within}))
        limits.append((_SITE_FACTOR * MAXIMUM_BY_NETWORK, within))
    return await _add_attempt(subject, network, limits)


async def begin_for_session(session_id: UUID) -> LoginAttempt:
    """Counts a try to say the present password in an open session; answers it, likewise. Raises RateLimited."""
    subject = _session_subject(session_id)
    return await _add_attempt(subject, "", [(MAXIMUM_BY_SESSION, {"subject": subject})])


async def check_disclosures(keyring: Keyring, viewer: Viewer) -> None:
    """Raises RateLimited when the caller was told of so many that no more is even attempt."""
    actor = _actor(keyring, viewer)
    if actor is not None:
        now = datetime.now(UTC)
        _raise_if_limited(now, await _wait_ends(_disclosure_limits(*actor), now))


async def count_disclosure(keyring: Keyring, viewer: Viewer) -> None:
    """Counts that something was found taken, which may be told unless this raises RateLimited.

    Counted for the key or the person, and for all those of an account or provider together. Admins see everybody: nothing is
    counted.
    """
    actor = _actor(keyring, viewer)
    if actor is not None:
        await fail(await _add_attempt(*actor, _disclosure_limits(*actor)))


def _actor(keyring: Keyring, viewer: Viewer) -> tuple[bytes, str] | None:
    owner, actor = viewer.account_id or viewer.service_provider_id, viewer.user_id or viewer.key_id
    if viewer.scope is Scope.ADMIN or owner is None:
        return None
    return keyring.keyed_hash("taken", owner.bytes), str(actor)


def _disclosure_limits(subject: bytes, actor: str) -> list[_Limit]:
    return [
        (MAXIMUM_DISCLOSURES, {"subject": subject, "network": actor}),
        (MAXIMUM_DISCLOSURES_BY_OWNER, {"subject": subject}),
    ]


async def _add_attempt(subject: bytes, network: str, limits: list[_Limit]) -> LoginAttempt:
    now = datetime.now(UTC)
    await LoginFailure.filter(tried_at__lt=now - WINDOW).delete()
    made = LoginAttempt(new_id(), subject, network)
    await _write(made, now - WINDOW + PENDING)
    ends = await _wait_ends(limits, now, own=made.id)
    if ends:
        await withdraw(made)  # what is not looked at is no failure: the wait ends when it says
    _raise_if_limited(now, ends)
    return made


def _raise_if_limited(now: datetime, ends: list[datetime]) -> None:
    """Raises RateLimited as long as a wait has not ended."""
    if ends:
        seconds = max(1, int((max(ends) - now).total_seconds()) + 1)
        raise RateLimited(
            f"Too many tries failed. Come back in {-(-seconds // 60)} minutes.",
            retryAfterSeconds=seconds,
            retryAt=max(ends).isoformat(timespec="seconds"),
        )


async def fail(attempt: LoginAttempt) -> None:
    """The try is found wrong: it counts from now on."""
    now = datetime.now(UTC)
    if not await LoginFailure.filter(id=attempt.id).update(tried_at=now):
        await _write(attempt, now)  # a server whose clock is ahead has deleted it before it was decided


async def _write(attempt: LoginAttempt, tried_at: datetime) -> None:
    await LoginFailure.create(id=attempt.id, subject=attempt.subject, network=attempt.network, tried_at=tried_at)


async def withdraw(attempt: LoginAttempt) -> None:
    await LoginFailure.filter(id=attempt.id).delete()


async def clear(subject: bytes, address: str) -> None:
    """Somebody knew the password: the failures before it were slips, where they came from the same network."""
    await LoginFailure.filter(subject=subject, network=network_of(address)).delete()


async def clear_for_session(session_id: UUID) -> None:
    """As `forget`, of an open session."""
    await LoginFailure.filter(subject=_session_subject(session_id)).delete()


def _session_subject(session_id: UUID) -> bytes:
    return b"session " + session_id.bytes


async def _wait_ends(limits: list[_Limit], now: datetime, own: UUID | None = None) -> list[datetime]:
    """For each limit that is reached without one's own try, when so few are left that one more may be made."""
    ends = []
    for maximum, same in limits:
        others = LoginFailure.filter(**same, tried_at__gte=now - WINDOW).exclude(id=own or new_id())
        last = await others.order_by("-tried_at").offset(maximum - 1).first()
        ends += [last.tried_at + WINDOW] if last is not None else []
    return ends
