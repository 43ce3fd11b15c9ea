"""Detaches an account's API keys from creators who no longer see the account, when it moves to another provider."""

from datetime import UTC, datetime
from uuid import UUID

from app.api_keys.model import ApiKey
from app.audit.audited_update import update_row
from app.foundation.context import Context
from app.foundation.permissions import AccessLevel, in_order, permissions_of_level, within
from app.users.credential_check import permissions_within
from app.users.model import User


async def release_keys(context: Context, account_id: UUID, provider_id: UUID | None) -> None:
    """Keys that users of the former provider created keep their present permissions and no longer depend on these users.

    Otherwise the former provider could restore permissions of such a key through its creator's role. Keys of deactivated creators
    are revoked. Runs in the transaction that moves the account to `provider_id`, before the account loses its owner.
    """
    keys = await ApiKey.filter(account_id=account_id, created_by_user_id__isnull=False, revoked_at__isnull=True)
    if not keys:
        return
    others = User.filter(id__in=[key.created_by_user_id for key in keys], service_provider_id__isnull=False)
    creators = {user.id: user for user in await others.exclude(service_provider_id=provider_id)}
    for key in keys:
        if key.created_by_user_id not in creators:
            continue
        creator = creators[key.created_by_user_id]
        own = permissions_of_level(key.access_level, key.permissions)
        has = within(own, await permissions_within(creator, account_id))
        values: dict[str, object] = {"created_by_user_id": None}
        if not creator.active:
            values["revoked_at"] = datetime.now(UTC)
        elif has != own:
            values |= {"access_level": AccessLevel.CUSTOM, "permissions": [one.name for one in in_order(has)]}
        await update_row(context, ApiKey, key.id, values)
