"""How often somebody may try: counted in the database, for each e-mail address and for each network.

A try is written before the password is looked at and taken back when it was right, so that tries at once, in however many
workers, count each other.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.encryption import Keyring
from app.errors import RateLimited
from app.identifiers import new_id
from app.users.model import LoginFailure

WINDOW = timedelta(minutes=15)
MAXIMUM_BY_EMAIL = 10
MAXIMUM_BY_NETWORK = 50


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
    now, network = datetime.now(UTC), network_of(address)
    await LoginFailure.filter(tried_at__lt=now - WINDOW).delete()
    made = await LoginFailure.create(id=new_id(), subject=subject, network=network, tried_at=now)
    ends = [
        await _end_of_wait(made.id, MAXIMUM_BY_EMAIL, subject=subject),
        await _end_of_wait(made.id, MAXIMUM_BY_NETWORK, network=network) if network else None,
    ]
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


async def forget(subject: bytes) -> None:
    """Somebody knew the password: the failures before it were slips."""
    await LoginFailure.filter(subject=subject).delete()


async def _end_of_wait(own: UUID, maximum: int, **same: Any) -> datetime | None:
    """When so few of the other tries are left that one more may be made; None: now."""
    others = LoginFailure.filter(**same).exclude(id=own).order_by("-tried_at")
    times: list[Any] = await others.offset(maximum - 1).limit(1).values_list("tried_at", flat=True)
    return times[0] + WINDOW if times else None
