"""The GraphQL types of webhooks and their test deliveries."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.foundation.access import MayTestAndCallOut, MayViewSecrets
from app.foundation.context import Info
from app.foundation.fault_codes import FaultCode, graphql_enum
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind
from app.foundation.outbound.failure_kind import FailureKind
from app.webhooks import addresses, model, rules, service
from app.webhooks.faults import RECEIVER_CODES, RECEIVER_WORDS, ReceiverFault


@strawberry.type(description="A customer's URL that the gateway calls on events.")
class Webhook:
    url: str = strawberry.field(description="The URL: http or https.")
    method: model.WebhookMethod = strawberry.field(description="The HTTP method.")
    username: str | None = strawberry.field(
        description="The user name for basic authentication; null for no authentication."
    )
    has_password: bool = strawberry.field(
        description="Whether a password is stored: always with a user name. It is never shown."
    )

    @classmethod
    def of_registration(
        cls, url: str | None, method: model.WebhookMethod | None, username: str | None
    ) -> "Webhook | None":
        """None without a webhook."""
        return (
            cls(url=url, method=method, username=username, has_password=username is not None)
            if url and method
            else None
        )

    @classmethod
    def of_queue_event(cls, url: str | None, username: str | None) -> "Webhook | None":
        """None without a webhook."""
        return cls.of_registration(url, model.WebhookMethod.POST, username)


_CREDENTIALS = (
    "Leave out both to keep the stored ones, provided that scheme, host and port of the URL stay; "
    "null for both clears them."
)


@strawberry.input(description="A webhook. Omitted fields keep their values.")
class WebhookInput:
    url: str = strawberry.field(
        description=f"The URL: http or https, a public host, at most {addresses.MAXIMUM_URL} characters, no user name or "
        "password in it."
    )
    method: Maybe[model.WebhookMethod | None] = strawberry.field(
        default=None,
        description="The HTTP method. Default: POST. For an account's webhooks, `limits { account }` lists the allowed ones.",
    )
    username: Maybe[str | None] = strawberry.field(
        default=None,
        description=f"For basic authentication: 1 to {rules.MAXIMUM_CREDENTIAL} characters, no colon. {_CREDENTIALS}",
    )
    password: Maybe[str | None] = strawberry.field(
        default=None,
        description=f"Stored encrypted, never shown: 1 to {rules.MAXIMUM_CREDENTIAL} characters. {_CREDENTIALS} "
        "It may also be left out if the user name is the stored one.",
    )

    def change(self) -> rules.WebhookChange:
        username = self.username
        if username is not None and username.value is not None:
            username = Some(username.value.strip())  # trim pasted whitespace; a password stays as it is
        return rules.WebhookChange(self.url, self.method, username, self.password)


def webhook_change(given: Some[WebhookInput | None] | None) -> Some[rules.WebhookChange | None] | None:
    """The change in an input's field."""
    return Some(given.value.change() if given.value else None) if given else None


@strawberry.type(description="The limits of the inputs of webhooks, of accounts and of applications.")
class WebhookLimits:
    url_maximum: int = strawberry.field(
        default=addresses.MAXIMUM_URL,
        description="Maximum characters (code points) of `url`, without surrounding spaces.",
    )
    username_maximum: int = strawberry.field(
        default=rules.MAXIMUM_CREDENTIAL,
        description="Maximum characters (code points) of `username`; the minimum is 1.",
    )
    password_maximum: int = strawberry.field(
        default=rules.MAXIMUM_CREDENTIAL,
        description="Maximum characters (code points) of `password`; the minimum is 1.",
    )


@strawberry.type(description="A header of a request.")
class HttpHeader:
    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value; `Authorization` shows only `Basic …`.")


if TYPE_CHECKING:
    WebhookErrorCode = FaultCode
else:
    WebhookErrorCode = graphql_enum(
        "WebhookErrorCode", "Why a webhook call failed.", FailureKind, ReceiverFault, **RECEIVER_WORDS
    )


@fields.node(
    Kind.WEBHOOK_DELIVERY,
    description="A test of a webhook: the request and the response. Kept for 30 days.",
)
class WebhookDelivery(fields.Node[model.WebhookDelivery]):
    kind: model.WebhookKind = fields.column("The webhook that was called.")
    method: model.WebhookMethod = fields.column("The HTTP method.")
    url: str = fields.column("The URL, with the event in its query for GET.")
    # The signature of a GET covers only the time: its reader could call the receiver with any event for five minutes.
    request_headers: list[HttpHeader] | None = fields.computed(
        lambda headers: [HttpHeader(name=one["name"], value=one["value"]) for one in headers],
        ["request_headers"],
        "The request headers, signature included; credentials are masked.",
        permissions=[MayViewSecrets],
    )
    request_body: str = fields.column("The raw, signed body; empty for GET.")
    succeeded: bool = fields.computed(
        lambda reason: reason is None,
        ["reason"],
        "Whether the receiver accepted it: a status of 200 to 299 and a complete reply.",
    )
    status: int | None = fields.column("The HTTP status of the response; null without a response.")
    duration_ms: int = fields.column("Duration in milliseconds; at most 5 seconds.")
    reply: str | None = fields.column(
        "The first 2 KiB of the reply, with U+FFFD for invalid UTF-8; null without a response. "
        "A receiver may repeat the request in it.",
        permissions=[MayViewSecrets],
    )
    reply_truncated: bool = fields.column("Whether the reply was longer than that.")
    code: WebhookErrorCode | None = fields.computed(
        lambda code: code and RECEIVER_CODES[code], ["code"], "Why it failed; null on success."
    )
    reason: str | None = fields.column("Why it failed and what to fix: a sentence for `code`; null on success.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account that owns it."
    )
    created_at: datetime = fields.column("When the webhook call ended.")


@strawberry.input(description="The stored webhook to test.")
class SendTestWebhookInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    kind: model.WebhookKind = strawberry.field(description="The webhook.")


@fields.payload(errors="Why nothing was sent. Errors of the receiver are in the delivery's `reason`.")
class SendTestWebhookPayload(fields.Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The delivery; `reason` says why it failed."
    )


@strawberry.type
class WebhookMutations:
    @fields.mutation(
        "Sends a signed sample event to a stored webhook and records the result. Takes at most 5 seconds; redirects are not "
        f"followed. RATE_LIMITED after {service.MAXIMUM_TESTS_PER_DAY} tests of one account in 24 hours, and while too many "
        "tests of the account, of its service provider or in the worker are running.",
        permissions=[MayTestAndCallOut],
    )
    async def send_test_webhook(
        self,
        info: Info,
        input: Annotated[SendTestWebhookInput, strawberry.argument(description="The webhook to test.")],
    ) -> SendTestWebhookPayload:
        delivery = await service.send_test(info.context, input.account_id, input.kind)
        return SendTestWebhookPayload(delivery=WebhookDelivery.of(delivery))
