"""Tests webhooks with a sample event. Their settings are changed with the account's."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tortoise.transactions import in_transaction

from app.accounts import webhook_secret
from app.accounts.lookup import ACCOUNTS
from app.accounts.model import Account
from app.audit import trail
from app.foundation.context import Context
from app.foundation.errors import RateLimited
from app.foundation.identifiers import new_id
from app.foundation.user_errors import UserErrorCode, UserErrorRule, UserErrors
from app.webhooks import samples
from app.webhooks.delivery import Delivery, OutgoingCall, WebhookSender
from app.webhooks.model import WebhookDelivery, WebhookKind
from app.webhooks.retention import first_id_of
from app.webhooks.rules import ACCOUNT_WEBHOOKS, Webhook

MAXIMUM_TESTS_PER_DAY = 200


class WebhookTestRule(UserErrorRule):
    NO_WEBHOOK = UserErrorCode.NOT_FOUND, "The account has no {webhook}; save one with updateAccount."


async def send_test(context: Context, account_id: str, kind: WebhookKind) -> WebhookDelivery:
    """Sends a signed sample event to the stored webhook, and saves the delivery.

    Raises UserErrors: NOT_FOUND; RateLimited. Errors of the receiver are in the delivery's `reason`.
    """
    account = await ACCOUNTS.get(context, account_id, "accountId")
    webhook = ACCOUNT_WEBHOOKS[kind].stored(account)
    if webhook is None:
        raise UserErrors.one(WebhookTestRule.NO_WEBHOOK, "kind", webhook=ACCOUNT_WEBHOOKS[kind].name)
    await _check_daily_limit(account.id)
    delivery_id = new_id()
    call = _call(context, account, kind, webhook, delivery_id)
    # Wait for the network outside of any transaction and slot: the sender has its own slots.
    async with context.without_slot():
        delivery = await context.use(WebhookSender).send(call, account.id, account.service_provider_id)
    return await _save(context, delivery_id, account.id, kind, call, delivery)


def _call(context: Context, account: Account, kind: WebhookKind, webhook: Webhook, delivery_id: UUID) -> OutgoingCall:
    now = datetime.now(UTC)
    return OutgoingCall(
        method=webhook.method,
        url=webhook.url,
        event=samples.sample(kind, account.id, delivery_id, account.sip_realm, now),
        secrets=_secrets(context, account, now),
        username=webhook.username,
        password=ACCOUNT_WEBHOOKS[kind].open(context.keyring, account.id, webhook),
    )


def _secrets(context: Context, account: Account, now: datetime) -> Sequence[str]:
    """The secrets that sign now, the newest first."""
    newest = webhook_secret.decrypt(context.keyring, account.id, account.webhook_secret)
    previous, expires_at = account.previous_webhook_secret, account.previous_webhook_secret_expires_at
    if previous is None or expires_at is None or expires_at <= now:
        return (newest,)
    return newest, webhook_secret.decrypt(context.keyring, account.id, previous, "previous_webhook_secret")


async def _check_daily_limit(account_id: UUID) -> None:
    """Limits the rows an account can create. Raises RateLimited."""
    a_day_ago = first_id_of(datetime.now(UTC) - timedelta(days=1))
    if await WebhookDelivery.filter(account_id=account_id, id__gte=a_day_ago).count() >= MAXIMUM_TESTS_PER_DAY:
        raise RateLimited(
            f"This account has sent {MAXIMUM_TESTS_PER_DAY} webhook tests within 24 hours. Try again tomorrow."
        )


async def _save(
    context: Context, delivery_id: UUID, account_id: UUID, kind: WebhookKind, call: OutgoingCall, delivery: Delivery
) -> WebhookDelivery:
    fault = delivery.fault
    async with in_transaction():
        # Raises NOT_FOUND if the account was deleted or moved during the call.
        ACCOUNTS.require(await ACCOUNTS.lock(context.viewer, account_id), "accountId")
        kept = await WebhookDelivery.create(
            id=delivery_id,
            account_id=account_id,
            kind=kind,
            method=call.method,
            url=delivery.url,
            request_headers=[{"name": name, "value": value} for name, value in delivery.request_headers.items()],
            request_body=delivery.request_body,
            status=delivery.status,
            duration_ms=delivery.duration_ms,
            reply=delivery.reply,
            reply_truncated=delivery.reply_truncated,
            code=fault.code.name if fault else None,
            reason=fault.reason if fault else None,
        )
        values = {"kind": kind, "status": delivery.status, "code": kept.code, "reason": kept.reason}
        await trail.record(context, kept, after=values)
    return kept
