"""What is done with service providers."""

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from app import names
from app.audit import trail
from app.context import Context
from app.database import violated_constraint
from app.errors import Mistakes, Problems, UserErrorCode
from app.idempotency.once import once
from app.service_providers.model import ServiceProvider


async def create(context: Context, name: str, idempotency_key: str | None = None) -> ServiceProvider:
    """Raises Mistakes for a name that is not allowed or taken, and for an idempotency key with another input."""
    reachable = context.viewer.within_reach(ServiceProvider)
    provider, _ = await once(
        context,
        idempotency_key,
        {"name": name},
        lambda: _create(context, name),
        reachable,
    )
    return provider


async def _create(context: Context, name: str) -> ServiceProvider:
    problems = Problems()
    checked = names.checked(name, problems, "name")
    problems.raise_if_any()
    try:
        async with in_transaction():
            provider = await ServiceProvider.create(name=checked, name_key=names.key(checked))
            await trail.note(context, provider, after={"name": checked})
        return provider
    except IntegrityError as error:
        if violated_constraint(error) != "service_providers_name_unique":
            raise
        message = f"There is a service provider named “{checked}” already."
        raise Mistakes.one(UserErrorCode.NAME_TAKEN, message, "name") from None
