"""Slots for connections that wait for their client, with a limit per network and for all networks.

At the limit a new connection is not refused. It evicts the oldest waiting connection: of its own network, or of the network with
the most connections. If none waits, it evicts the oldest one whose client does not read. A client that sends at once is therefore
served, however many idle connections other clients hold.
"""

from typing import Protocol

from app.foundation.networks import TrustedProxies, network_of


class Holder(Protocol):
    @property
    def is_waiting(self) -> bool:
        """Whether the client has to send next."""
        ...

    @property
    def is_unread(self) -> bool:
        """Whether the client has to read what was sent."""
        ...

    def evict(self) -> None:
        """Ends the connection; its slot is released already."""
        ...


class WaitingConnections:
    """The slots of one process. Used from the event loop only."""

    def __init__(self, maximum: int, maximum_per_network: int, trusted_proxies: TrustedProxies) -> None:
        """Connections of trusted proxies and of Unix sockets serve many clients: only the limit of all networks applies."""
        self._maximum = maximum
        self._maximum_per_network = maximum_per_network
        self._trusted_proxies = trusted_proxies
        # By network (empty for proxies), the longest waiting first.
        self._by_network: dict[str, dict[Holder, None]] = {}
        self._network_of: dict[Holder, str] = {}

    def enter(self, holder: Holder, address: str) -> bool:
        """Acquires a slot, evicting a connection if necessary; False when none can be evicted. Call `leave` in both cases."""
        network = "" if address in self._trusted_proxies else network_of(address)
        crowded = self._crowded(network)
        self._by_network.setdefault(network, {})[holder] = None
        self._network_of[holder] = network
        if crowded is None:
            return True
        others = [one for one in crowded if one is not holder]
        oldest = next((one for one in others if one.is_waiting), None) or next(
            (one for one in others if one.is_unread), None
        )
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.evict()
        return True

    def renew(self, holder: Holder) -> None:
        """Makes the connection the newest of its network: its client has just been answered."""
        network = self._network_of.get(holder)
        if network is not None:
            self._by_network[network][holder] = self._by_network[network].pop(holder)

    def leave(self, holder: Holder) -> None:
        """Releases the slot; does nothing if it is released already."""
        network = self._network_of.pop(holder, None)
        if network is not None:
            del self._by_network[network][holder]
            if not self._by_network[network]:
                del self._by_network[network]

    def _crowded(self, network: str) -> dict[Holder, None] | None:
        """The connections of which one must be evicted before this network gets another slot; None if there is room."""
        own = self._by_network.get(network, {})
        if network and len(own) >= self._maximum_per_network:
            return own
        return max(self._by_network.values(), key=len) if len(self._network_of) >= self._maximum else None
