"""What is shown of webhooks."""

import strawberry
from strawberry import Maybe

from app.webhooks import model, rules


@strawberry.type(description="An address of the customer's that is called when something happens.")
class Webhook:
    """A value."""

    url: str = strawberry.field(
        description="Where it is: http or https, for an application's calling webhook also ws or wss."
    )
    method: model.WebhookMethod = strawberry.field(description="How it is called; means nothing for ws and wss.")
    username: str | None = strawberry.field(description="The user name of basic authentication; null: none is sent.")
    has_password: bool = strawberry.field(
        description="Whether a password is stored; it is there when a user name is, and is never shown."
    )


_CREDENTIALS = (
    "Leave out both to keep the stored ones, as long as scheme, host and port of the URL stay; "
    "null for both clears them."
)


@strawberry.input(description="A webhook; what is left out stays as it is.")
class WebhookInput:
    """The password alone may be left out beside the stored user name, too."""

    url: str = strawberry.field(
        description="Where it is: http or https (for an application's calling webhook also ws or wss), a public host, at most "
        "2048 characters, no user name or password in it."
    )
    method: Maybe[model.WebhookMethod | None] = strawberry.field(
        default=None, description="How it is called: POST at first."
    )
    username: Maybe[str | None] = strawberry.field(
        default=None, description=f"For basic authentication: 1 to 255 characters, no colon. {_CREDENTIALS}"
    )
    password: Maybe[str | None] = strawberry.field(
        default=None,
        description=f"Stored encrypted, never shown: 1 to 255 characters. {_CREDENTIALS} "
        "Beside the stored user name it may be left out too.",
    )

    def change(self) -> rules.WebhookChange:
        return rules.WebhookChange(self.url, self.method, self.username, self.password)
