"""What is shown of webhooks: their settings, and what was sent to try them."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Maybe, Some

from app.accounts.model import Account as AccountRow
from app.foundation.access import HasFullAccess
from app.foundation.context import Info
from app.foundation.graphql import fields
from app.foundation.identifiers import Kind
from app.webhooks import addresses, model, rules, service


@strawberry.type(description="An address of the customer's that is called when something happens.")
class Webhook:
    """A value."""

    url: str = strawberry.field(description="Where it is: http or https.")
    method: model.WebhookMethod = strawberry.field(description="How it is called.")
    username: str | None = strawberry.field(description="The user name of basic authentication; null: none is sent.")
    has_password: bool = strawberry.field(
        description="Whether a password is stored; it is there when a user name is, and is never shown."
    )

    @classmethod
    def of_registration(
        cls, url: str | None, method: model.WebhookMethod | None, username: str | None
    ) -> "Webhook | None":
        """None when there is none."""
        return (
            cls(url=url, method=method, username=username, has_password=username is not None)
            if url and method
            else None
        )

    @classmethod
    def of_queue_event(cls, url: str | None, username: str | None) -> "Webhook | None":
        """None when there is none."""
        return cls.of_registration(url, model.WebhookMethod.POST, username)


_CREDENTIALS = (
    "Leave out both to keep the stored ones, as long as scheme, host and port of the URL stay; "
    "null for both clears them."
)


@strawberry.input(description="A webhook of an account; what is left out stays as it is.")
class WebhookInput:
    """The password alone may be left out beside the stored user name, too."""

    url: str = strawberry.field(
        description=f"Where it is: http or https, a public host, at most {addresses.MAXIMUM_URL} characters, no user name or "
        "password in it."
    )
    method: Maybe[model.WebhookMethod | None] = strawberry.field(
        default=None, description="How it is called: POST at first; the queue event webhook takes POST alone."
    )
    username: Maybe[str | None] = strawberry.field(
        default=None,
        description=f"For basic authentication: 1 to {rules.MAXIMUM_CREDENTIAL} characters, no colon. {_CREDENTIALS}",
    )
    password: Maybe[str | None] = strawberry.field(
        default=None,
        description=f"Stored encrypted, never shown: 1 to {rules.MAXIMUM_CREDENTIAL} characters. {_CREDENTIALS} "
        "Beside the stored user name it may be left out too.",
    )

    def change(self) -> rules.WebhookChange:
        username = self.username
        if username is not None and username.value is not None:
            username = Some(username.value.strip())  # as people paste it; a password stays as it is
        return rules.WebhookChange(self.url, self.method, username, self.password)


def webhook_change(given: Some[WebhookInput | None] | None) -> Some[rules.WebhookChange | None] | None:
    """What a field of an input changes."""
    return Some(given.value.change() if given.value else None) if given else None


@strawberry.type(description="The limits of a webhook's inputs, of an account's or of an application's.")
class WebhookLimits:
    """Constants."""

    url_maximum: int = strawberry.field(
        default=addresses.MAXIMUM_URL, description="Characters (code points) of `url`, spaces around it left out."
    )
    username_maximum: int = strawberry.field(
        default=rules.MAXIMUM_CREDENTIAL, description="Characters (code points) of `username`; the least is 1."
    )
    password_maximum: int = strawberry.field(
        default=rules.MAXIMUM_CREDENTIAL, description="Characters (code points) of `password`; the least is 1."
    )


@strawberry.type(description="A header of a request.")
class HttpHeader:
    """A value."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value; that of `Authorization` is only `Basic …`.")


@fields.node(
    Kind.WEBHOOK_DELIVERY,
    description="One test of a webhook: what was sent and what came back. Kept for 30 days.",
)
class WebhookDelivery(fields.Node[model.WebhookDelivery]):
    kind: model.WebhookKind = fields.column("Which webhook was called.")
    method: model.WebhookMethod = fields.column("How it was called.")
    url: str = fields.column("Where to; with the event in its query, for GET.")
    # The signature of a GET covers the time alone: whoever sees it could call the receiver with anything for five minutes.
    request_headers: list[HttpHeader] | None = fields.computed(
        lambda headers: [HttpHeader(name=one["name"], value=one["value"]) for one in headers],
        ["request_headers"],
        "What was sent before the body, the signature included; of basic authentication only that it was sent.",
        permissions=[HasFullAccess],
    )
    request_body: str = fields.column("The raw body, which is what was signed; empty for GET.")
    succeeded: bool = fields.computed(
        lambda reason: reason is None,
        ["reason"],
        "Whether the receiver took it: a status of 200 to 299, and a reply that ends.",
    )
    status: int | None = fields.column("The HTTP status of the answer; null when there was none.")
    duration_ms: int = fields.column("How long it took, in milliseconds; 5 seconds at most.")
    reply: str | None = fields.column(
        "The first 2 KiB of the reply, with U+FFFD for what is no text in UTF-8; null when there was no answer. "
        "A receiver may repeat there what was sent to it.",
        permissions=[HasFullAccess],
    )
    reply_truncated: bool = fields.column("Whether the reply was longer than that.")
    reason: str | None = fields.column("Why it did not succeed: one sentence on what to fix; null when it did.")
    account: fields.Node | None = fields.to_one(
        "Account", "account_id", row=AccountRow, description="The account it belongs to."
    )
    created_at: datetime = fields.column("When the answer was there, or was given up.")


@strawberry.input(description="A stored webhook to be tried.")
class SendTestWebhookInput:
    """Input of sendTestWebhook."""

    account_id: strawberry.ID = strawberry.field(description="The account.")
    kind: model.WebhookKind = strawberry.field(description="Which of its webhooks.")


@fields.payload(errors="Why nothing was sent. What is wrong with the receiver is in the delivery's `reason`.")
class SendTestWebhookPayload(fields.Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="What was sent and what came back; `reason` says why it did not succeed."
    )


@strawberry.type
class WebhookMutations:
    """Root fields."""

    @fields.mutation(
        "Sends a signed sample event to a stored webhook and records the result. Takes at most 5 seconds; redirects are not "
        f"followed. RATE_LIMITED after {service.MAXIMUM_TESTS_PER_DAY} tests of one account in 24 hours, and while too many "
        "tests of the account, of its service provider or in the worker are running."
    )
    async def send_test_webhook(
        self, info: Info, input: Annotated[SendTestWebhookInput, strawberry.argument(description="Which webhook.")]
    ) -> SendTestWebhookPayload:
        delivery = await service.send_test(info.context, input.account_id, input.kind)
        return SendTestWebhookPayload(delivery=WebhookDelivery.of(delivery))
