"""That a name, a SIP realm or an e-mail address of another tenant is taken: said only so often, and audited each time.

Otherwise a caller could learn at no cost, and leaving no trace, what tenants have that it does not see.
"""

from collections.abc import Mapping
from typing import Any

from app.access import Reachable
from app.audit import trail
from app.context import Context
from app.users import tries


async def check(context: Context) -> None:
    """Before anything is tried. Raises RateLimited for a caller who was told so often that no more is even tried."""
    await tries.check_taken(context.keyring, context.viewer)


async def note(context: Context, tried: Mapping[str, Any], row: Reachable | None = None) -> None:
    """Audits what was found taken, of this row where it is there. Raises RateLimited when it may not be said any more."""
    viewer = context.viewer
    owners: dict[str, Any] = {}
    if row is None:
        owners = {"account_id": viewer.account_id, "service_provider_id": viewer.service_provider_id}
    await trail.note(context, row, after={**tried, "refused": True}, **owners)
    await tries.count_taken(context.keyring, viewer)
