"""Decides whether an offered call is recorded, and to which bucket."""

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.accounts.model import Account
from app.applications.model import Application
from app.applications.recording_decision import decide
from app.foundation.access import Viewer
from app.foundation.encryption import Keyring
from app.recording.lifecycle import CallFacts
from app.recording.metadata import RecordingMetadata
from app.recording.stream import CloseCode, FirstFrame, Refused
from app.storage.model import AudioFormat, RecordingConfig
from app.storage.s3 import StorageTarget
from app.storage.settings import stored_draft

ADMISSION_SECONDS = 120.0
"""How long the decision for an account's last call is reused while the database does not answer."""
MAXIMUM_ADMISSIONS = 10_000
SUSPENDED = "the account is suspended: its calls are not recorded"
NO_SUCH_ACCOUNT = "accountSid: there is no such account"


@dataclass(frozen=True)
class Admitted:
    """The decision to record a call: facts, owner and destination."""

    facts: CallFacts
    service_provider_id: UUID
    target: StorageTarget
    audio_format: AudioFormat


class AdmissionCache:
    """Recent decisions by caller, account and application, for use while the database does not answer.

    Without secrets: writing to the spool needs none.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[Any, ...], tuple[float, Admitted, UUID]] = OrderedDict()

    def put(self, viewer: Viewer, first: FirstFrame, admitted: Admitted, credential_id: UUID) -> None:
        target = replace(admitted.target, access_key_id="", secret_access_key="")
        self._entries[_key(viewer, first)] = time.monotonic(), replace(admitted, target=target), credential_id
        self._entries.move_to_end(_key(viewer, first))
        if len(self._entries) > MAXIMUM_ADMISSIONS:
            self._entries.popitem(last=False)

    def discard(self, viewer: Viewer, first: FirstFrame) -> None:
        self._entries.pop(_key(viewer, first), None)

    def get(self, viewer: Viewer, first: FirstFrame) -> tuple[Admitted, UUID] | None:
        """The last decision with the facts of this call, and the id of the stored credential."""
        at, admitted, credential_id = self._entries.get(_key(viewer, first), (0.0, None, None))
        if admitted is None or credential_id is None or at < time.monotonic() - ADMISSION_SECONDS:
            return None
        return replace(admitted, facts=_facts(first)), credential_id


def _key(viewer: Viewer, first: FirstFrame) -> tuple[Any, ...]:
    return (viewer.scope, viewer.service_provider_id, viewer.account_id, first.account_id, first.application_id)


async def admit(viewer: Viewer, keyring: Keyring, first: FirstFrame) -> Admitted:
    """Decides by the current settings. Raises Refused."""
    account = await _account(viewer, first)
    records_all = await _records_all_calls(first.account_id, first.application_id)
    if records_all is None:
        raise Refused(CloseCode.NOT_FOUND, "applicationSid: there is no such application")
    configuration = await RecordingConfig.get_or_none(account_id=account.id)
    decision = decide(records_all, configuration, account, account.service_provider)
    if not decision.recorded or configuration is None:
        raise Refused(CloseCode.NOT_RECORDED, decision.message)
    target = StorageTarget.of(stored_draft(keyring, configuration))
    return Admitted(_facts(first), account.service_provider_id, target, configuration.audio_format)


async def current_refusal(metadata: RecordingMetadata) -> str | None:
    """Why the current settings would not record a recording's call; None if they would, or if its account is unknown."""
    account = await Account.filter(id=metadata.account_id).select_related("service_provider").get_or_none()
    if account is None:
        return None
    records_all = await _records_all_calls(metadata.account_id, metadata.application_id)
    configuration = await RecordingConfig.get_or_none(account_id=metadata.account_id)
    decision = decide(bool(records_all), configuration, account, account.service_provider)
    return None if decision.recorded else decision.message


async def refusals_of_closed_accounts(account_ids: Collection[UUID]) -> dict[UUID, Refused]:
    """Refusals for those of the accounts that are suspended (or whose provider is) or deleted."""
    rows = await Account.filter(id__in=list(account_ids)).values_list("id", "active", "service_provider__active")
    decision = {row_id: Refused(CloseCode.NOT_FOUND, NO_SUCH_ACCOUNT) for row_id in account_ids}
    for row_id, *active in rows:
        if all(active):
            del decision[row_id]
        else:
            decision[row_id] = Refused(CloseCode.SUSPENDED, SUSPENDED)
    return decision


async def _account(viewer: Viewer, first: FirstFrame) -> Account:
    """Raises Refused. An account that is not visible to the viewer counts as missing."""
    visible = viewer.visible(Account).select_related("service_provider")
    account = await visible.get_or_none(id=first.account_id)
    if account is None:
        raise Refused(CloseCode.NOT_FOUND, NO_SUCH_ACCOUNT)
    provider = account.service_provider
    if not (account.active and provider.active):
        raise Refused(CloseCode.SUSPENDED, SUSPENDED)
    return account


async def _records_all_calls(account_id: UUID, application_id: UUID | None) -> bool | None:
    """The application's `recordAllCalls`; None when there is no such application."""
    if application_id is None:
        return False
    query = Application.filter(id=application_id, account_id=account_id)
    decision: bool | None = await query.first().values_list("record_all_calls", flat=True)  # type: ignore[assignment]
    return decision


def _facts(first: FirstFrame) -> CallFacts:
    return CallFacts(
        account_id=first.account_id,
        gateway_call_id=first.gateway_call_id,
        started_at=datetime.now(UTC),
        application_id=first.application_id,
        direction=first.direction,
        from_number=first.from_number,
        to_number=first.to_number,
        trace_id=first.trace_id,
    )
