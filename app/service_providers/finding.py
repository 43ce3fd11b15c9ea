"""One service provider by its id, for the services of all domains."""

from uuid import UUID

from app.access import Viewer
from app.service_providers.model import ServiceProvider


async def lock(viewer: Viewer, provider_id: UUID | None, *, no_key: bool = True) -> ServiceProvider | None:
    """The provider with a lock on its row, as `app/accounts/finding.py` locks an account; None when it is not within reach."""
    found = viewer.within_reach(ServiceProvider).filter(id=provider_id)
    return await found.select_for_update(no_key=no_key).get_or_none() if provider_id else None
