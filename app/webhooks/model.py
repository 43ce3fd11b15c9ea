"""What webhooks are called by."""

import enum

import strawberry


@strawberry.enum(description="How a webhook is called.")
class WebhookMethod(enum.Enum):
    """HTTP's names."""

    GET = strawberry.enum_value(
        "GET", description="The event in the URL's query; the signature covers the time alone, not the event."
    )
    POST = strawberry.enum_value("POST", description="The event as JSON in the body, which the signature covers.")
