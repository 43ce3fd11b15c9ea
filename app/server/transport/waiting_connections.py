"""Connections that hold a slot until their client has acted, with a bound for each network and for all together.

When there are too many, a newcomer is not refused: the oldest connection that still waits for its client gives way, of the
newcomer's network, or else of the network that has the most; when none waits, the oldest whose client does not read. A client
that acts at once is therefore served however many connections others hold without acting.
"""

from typing import Protocol

from app.foundation.networks import TrustedProxies, network_of


class Holder(Protocol):
    """A connection."""

    @property
    def is_waiting(self) -> bool:
        """Whether its client is to act next."""
        ...

    @property
    def is_unread(self) -> bool:
        """Whether its client is to read what was sent to it."""
        ...

    def evict(self) -> None:
        """Ends the connection, which has lost its slot already."""
        ...


class WaitingConnections:
    """The slots of one process. Changed by the event loop alone."""

    def __init__(self, maximum: int, maximum_of_network: int, trusted_proxies: TrustedProxies) -> None:
        """Connections of trusted proxies and of Unix sockets are many clients': only the bound of all together holds for them."""
        self._maximum = maximum
        self._maximum_of_network = maximum_of_network
        self._trusted_proxies = trusted_proxies
        # By network, those first that have waited for the longest; the network is empty for those of proxies.
        self._of: dict[str, dict[Holder, None]] = {}
        self._network_of: dict[Holder, str] = {}

    def enter(self, holder: Holder, address: str) -> bool:
        """Holds a slot; False when there is one too many and none gives way. Either way, `leave` ends it."""
        network = "" if address in self._trusted_proxies else network_of(address)
        crowded = self._crowded(network)
        self._of.setdefault(network, {})[holder] = None
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
        """Its client has just been answered: others have waited for longer now."""
        network = self._network_of.get(holder)
        if network is not None:
            self._of[network][holder] = self._of[network].pop(holder)

    def leave(self, holder: Holder) -> None:
        """Gives the slot back, if it is held still."""
        network = self._network_of.pop(holder, None)
        if network is not None:
            del self._of[network][holder]
            if not self._of[network]:
                del self._of[network]

    def _crowded(self, network: str) -> dict[Holder, None] | None:
        """Those of whom one must give way to one more of this network."""
        mine = self._of.get(network, {})
        if network and len(mine) >= self._maximum_of_network:
            return mine
        return max(self._of.values(), key=len) if len(self._network_of) >= self._maximum else None
