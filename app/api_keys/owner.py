"""The owner of a new API key or user."""

from dataclasses import dataclass
from uuid import UUID

from app.accounts.lookup import ACCOUNTS
from app.audit.audited_update import Columns
from app.foundation.access import Scope, Viewer
from app.foundation.identifiers import Kind, parse_sid
from app.foundation.user_errors import ErrorCollector, UserErrorCode, UserErrorRule
from app.service_providers.lookup import SERVICE_PROVIDERS


class OwnerRule(UserErrorRule):
    OWNER_INSTALLATION_FALSE = (
        UserErrorCode.INVALID,
        "This must be true, for the installation itself. Omit `owner` for the caller's own.",
    )


@dataclass(frozen=True)
class OwnerChoice:
    """The owner named by an input: at most one of the fields. None of them means the caller's own owner."""

    account_id: str | None = None
    service_provider_id: str | None = None
    installation: bool | None = None

    def scope_for(self, viewer: Viewer) -> Scope:
        """The scope of the chosen owner."""
        if self.account_id is not None:
            return Scope.ACCOUNT
        if self.service_provider_id is not None:
            return Scope.SERVICE_PROVIDER
        return Scope.ADMIN if self.installation is not None else viewer.scope


@dataclass(frozen=True)
class Owner:
    scope: Scope
    service_provider_id: UUID | None = None
    account_id: UUID | None = None

    @property
    def columns(self) -> Columns:
        return {
            "scope": self.scope,
            "service_provider_id": self.service_provider_id,
            "account_id": self.account_id,
        }

    @property
    def has_quota(self) -> bool:
        """False for the installation, whose keys and users only admins create."""
        return self.scope is not Scope.ADMIN

    @property
    def noun(self) -> str:
        return "account" if self.account_id else "service provider"


async def lock_owner(viewer: Viewer, choice: OwnerChoice, errors: ErrorCollector) -> Owner:
    """Locks and returns the owner, which must be visible to the caller. Errors go to `errors` at `owner`."""
    if choice.account_id is not None:
        owner = Owner(Scope.ACCOUNT, account_id=parse_sid(Kind.ACCOUNT, choice.account_id))
    elif choice.service_provider_id is not None:
        owner = Owner(Scope.SERVICE_PROVIDER, parse_sid(Kind.SERVICE_PROVIDER, choice.service_provider_id))
    elif choice.installation is not None:
        owner = Owner(Scope.ADMIN)
        if not choice.installation:
            errors.add(OwnerRule.OWNER_INSTALLATION_FALSE, "owner", "installation")
    else:
        owner = Owner(viewer.scope, viewer.service_provider_id, viewer.account_id)
    if owner.scope is Scope.ACCOUNT and await ACCOUNTS.lock(viewer, owner.account_id) is None:
        errors.found += ACCOUNTS.not_found("owner", "accountId").errors
    if (
        owner.scope is Scope.SERVICE_PROVIDER
        and await SERVICE_PROVIDERS.lock(viewer, owner.service_provider_id) is None
    ):
        errors.found += SERVICE_PROVIDERS.not_found("owner", "serviceProviderId").errors
    return owner
