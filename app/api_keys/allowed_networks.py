"""The networks from which an API key may be used, and the audit of uses from elsewhere."""

import time
from collections.abc import Sequence
from uuid import UUID

from app.api_keys.model import ApiKey
from app.audit import trail
from app.audit.secret_reads import SecretReads
from app.foundation.networks import Network, address_of, network_in_cidr, network_of
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule

MAXIMUM = 20
OPERATION = "refuseApiKey"
# Maximum events per key, hour and process: an IPv6 client can use more networks than the audit trail should hold.
MAXIMUM_EVENTS = 100
_SECONDS_AN_HOUR = 3_600


class NetworkRule(UserErrorRule):
    NETWORK_SYNTAX = (
        UserErrorCode.INVALID,
        "This is not a network in CIDR notation, such as 192.0.2.0/24 or 2001:db8::/32. One address is a network too.",
    )
    NETWORK_HOST_BITS = (
        UserErrorCode.INVALID,
        "This address is not the first of its network. The network is {network}; one address has no prefix length.",
    )
    TOO_MANY_NETWORKS = UserErrorCode.OUT_OF_RANGE, "A key has at most {maximum} networks."


def checked(given: Sequence[str] | None, errors: ErrorCollector) -> list[str] | None:
    """The networks to store, without duplicates; None allows every address. Errors are added at `allowedNetworks`."""
    if given is not None and len(given) > MAXIMUM:
        errors.add(NetworkRule.TOO_MANY_NETWORKS, "allowedNetworks", maximum=MAXIMUM)
        return None
    found = []
    for index, text in enumerate(given or ()):
        try:
            network = network_in_cidr(text.strip())
        except ValueError:
            errors.add(NetworkRule.NETWORK_SYNTAX, "allowedNetworks", str(index))
            continue
        if address_of(text.strip().partition("/")[0]) != network.network_address:
            errors.add(NetworkRule.NETWORK_HOST_BITS, "allowedNetworks", str(index), network=str(network))
        found.append(str(network))
    return list(dict.fromkeys(found)) or None


def of_key(key: ApiKey) -> tuple[Network, ...]:
    """The networks from which a key may be used; empty allows every address."""
    return tuple(map(network_in_cidr, key.allowed_networks or ()))


def admit(networks: Sequence[Network], address: str) -> bool:
    """Whether a key with these networks may be used from a client's address (empty for a Unix socket)."""
    if not networks:
        return True
    client = address_of(address)
    return client is not None and any(client in network for network in networks)


class RefusedUses:
    """Audits uses of a key from networks that are not allowed: once an hour for each key and network. One per process."""

    def __init__(self, events: SecretReads) -> None:
        self._events = events
        self._hour = 0
        self._networks: dict[UUID, set[str]] = {}

    def record(self, key: ApiKey, address: str) -> None:
        """Adds an event to the next batch. Never waits, so that the refusal takes as long as that of a wrong key."""
        hour, network = int(time.time()) // _SECONDS_AN_HOUR, network_of(address)
        if hour != self._hour:
            self._hour, self._networks = hour, {}
        seen = self._networks.setdefault(key.id, set())
        if network in seen or len(seen) >= MAXIMUM_EVENTS:
            return
        seen.add(network)
        account_id, service_provider_id = trail.owners_of(key)
        self._events.add(
            {
                **trail.new_event(None, ApiKey, key.id),
                "operation": OPERATION,
                "scope": key.scope.value,
                "key_id": key.id,
                "actor_name": key.name,
                "object_name": key.name,
                "address": address[:64] or None,
                "account_id": account_id,
                "service_provider_id": service_provider_id,
                "after": trail.audited_values(ApiKey, {"refused": True}),
            }
        )
