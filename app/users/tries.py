"""How often somebody may try: counted in the database, and forgotten after 15 minutes.

    10 failed logins for one e-mail address from one network      who guesses locks their own network out, and nobody else
    100 for one e-mail address from all networks together         many networks that guess together are bounded too
    50 from one network for all e-mail addresses together         as is one that tries many people
    20 addresses found taken, for one account or provider         whoever asks who is there (see `begin_address`)

A try is written before the password is looked at and taken back when it was right, so that tries at once, in however many
workers, count each other.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.access import Scope, Viewer
from app.encryption import Keyring
from app.errors import RateLimited
from app.identifiers import new_id
from app.users.model import LoginFailure

WINDOW = timedelta(minutes=15)
MAXIMUM_BY_EMAIL_AND_NETWORK = 10
MAXIMUM_BY_EMAIL = 100
MAXIMUM_BY_NETWORK = 50
MAXIMUM_TAKEN = 20

# How many of the tries with the same columns may have failed.
_Limit = tuple[int, dict[str, Any]]


def subject_of(keyring: Keyring, key: str) -> bytes:
    return keyring.keyed_hash("login", key.encode())


def network_of(address: str) -> str:
    """An IPv4 address, or the 64 bits of an IPv6 address that a household has for itself."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return ""
    if isinstance(read, ipaddress.IPv6Address):
        mapped = read.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(read), 64), strict=False))
    return str(read)


async def begin(subject: bytes, address: str) -> UUID:
    """Counts a try in; answers its id. Raises RateLimited, saying when to come back."""
    network = network_of(address)
    limits: list[_Limit] = [
        (MAXIMUM_BY_EMAIL_AND_NETWORK, {"subject": subject, "network": network}),
        (MAXIMUM_BY_EMAIL, {"subject": subject}),
    ]
    if network:
        limits.append((MAXIMUM_BY_NETWORK, {"network": network}))
    return await _count_in(subject, network, limits)


async def begin_address(keyring: Keyring, viewer: Viewer) -> UUID | None:
    """Counts in that an e-mail address is about to be taken; None for admins, who see everybody. Raises RateLimited.

    Counted for the account or the provider, so that more keys and people of the same owner may not ask more.
    """
    owner = viewer.account_id or viewer.service_provider_id
    if viewer.scope is Scope.ADMIN or owner is None:
        return None
    subject = keyring.keyed_hash("taken", owner.bytes)
    return await _count_in(subject, "", [(MAXIMUM_TAKEN, {"subject": subject})])


async def _count_in(subject: bytes, network: str, limits: list[_Limit]) -> UUID:
    now = datetime.now(UTC)
    await LoginFailure.filter(tried_at__lt=now - WINDOW).delete()
    made = await LoginFailure.create(id=new_id(), subject=subject, network=network, tried_at=now)
    ends = [await _end_of_wait(made.id, maximum, same) for maximum, same in limits]
    waits = [end for end in ends if end is not None]
    if waits:
        await take_back(made.id)  # what is not looked at is no failure: the wait ends when it says
        seconds = max(1, int((max(waits) - now).total_seconds()) + 1)
        raise RateLimited(
            f"Too many tries failed. Come back in {-(-seconds // 60)} minutes.",
            retryAfterSeconds=seconds,
            retryAt=max(waits).isoformat(timespec="seconds"),
        )
    return made.id


async def take_back(try_id: UUID) -> None:
    await LoginFailure.filter(id=try_id).delete()


async def forget(subject: bytes, address: str) -> None:
    """Somebody knew the password: the failures before it were slips, where they came from the same network."""
    await LoginFailure.filter(subject=subject, network=network_of(address)).delete()


async def _end_of_wait(own: UUID, maximum: int, same: dict[str, Any]) -> datetime | None:
    """When so few of the other tries are left that one more may be made; None: now."""
    others = LoginFailure.filter(**same).exclude(id=own).order_by("-tried_at")
    times: list[Any] = await others.offset(maximum - 1).limit(1).values_list("tried_at", flat=True)
    return times[0] + WINDOW if times else None
