"""A browser that can reach this machine only, and a page of it with GraphiQL."""

import shutil
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Route, expect

CHROMIUM = shutil.which("chromium")
TAB_NAMES = [
    "WhoAmI",
    "Login",
    "ChangePassword",
    "ListAccounts",
    "CreateAccount",
    "FillAccountForm",
    "SaveAccountForm",
    "ConfigureRecording",
    "TestStorage",
    "TestStoredStorage",
    "ListApplications",
    "CreateApplication",
    "SendTestWebhook",
    "ListUsers",
    "CreateUser",
    "CreateApiKey",
    "ClearTtsCache",
    "MoveAccount",
    "ListAuditEvents",
    "ListCalls",
    "ReadCall",
    "DeleteRecording",
    "RetryRecording",
    "ReportCalls",
    "ListStoredCredentials",
    "WatchCalls",
    "TransferOwnership",
]
QUIET_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WATCH_FOR_VIOLATIONS = """
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) =>
         violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Served:
    """A running server: the address of its GraphQL endpoint, and a key that it accepts."""

    url: str
    key: str


@dataclass
class Visit:
    """One open page, with its requests to other hosts and its errors."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def tabs(self) -> Any:
        return self.page.locator(".graphiql-tabs .graphiql-tab-button")

    @property
    def answer(self) -> Any:
        return self.page.locator(".graphiql-response .CodeMirror-code")

    @property
    def hint(self) -> Any:
        return self.page.get_by_role("status")

    @property
    def key_field(self) -> Any:
        return self.page.get_by_role("group", name="API key or token").locator("input")

    async def enter_key(self, key: str) -> None:
        await self.key_field.fill(key)
        await self.key_field.press("Enter")

    async def run(self) -> None:
        await self.page.get_by_role("button", name="Execute query").click()

    def assert_nothing_went_wrong(self) -> None:
        assert self.outside == [], "the page asked another host for something"
        assert self.complaints == [], "the browser's console has errors"


class visiting:
    """Opens the page in a new context that can connect to loopback only; closes the context at the end."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address

    async def __aenter__(self) -> Visit:
        visit = Visit(await self.context.new_page())

        async def loopback_only(route: Route) -> None:
            if urlsplit(route.request.url).hostname in {"127.0.0.1", "localhost", "::1"}:
                await route.continue_()
            else:
                visit.outside.append(route.request.url)
                await route.abort()

        await self.context.route("**/*", loopback_only)
        await self.context.add_init_script(WATCH_FOR_VIOLATIONS)
        visit.page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        await visit.page.goto(self.address)
        await expect(visit.tabs.first).to_be_visible()
        return visit

    async def __aexit__(self, *_: object) -> None:
        await self.context.close()
