"""GraphiQL in a real browser that can reach this machine only, and the installing of its files."""

import json
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from graphql import build_client_schema, build_schema, get_introspection_query, graphql_sync, parse, validate
from graphql.execution.values import get_variable_values
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as ServerRoute

from app.graphiql import install
from app.graphiql.page import Explorer

CHROMIUM = shutil.which("chromium")
REPOSITORY = Path(__file__).parents[2]
TABS = REPOSITORY / "app" / "graphiql" / "tabs"
TAB_NAMES = [
    "WhoAmI",
    "ListAccounts",
    "CreateAccount",
    "ConfigureRecording",
    "TestStorage",
    "TestStoredStorage",
    "CreateApiKey",
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
in_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (no `chromium` on the PATH)"),
]


class TestThePage:
    pytestmark = in_chromium

    async def test_the_page_opens_with_its_ready_tabs_and_the_schema(self, visit: "Visit") -> None:
        page = visit.page
        await expect(visit.tabs).to_have_text(TAB_NAMES)
        await expect(page.get_by_text("Voice gateway")).to_be_visible()
        await page.get_by_label("Show Documentation Explorer").click()
        await expect(page.locator(".graphiql-doc-explorer-root-type").first).to_have_text("query")
        visit.assert_nothing_went_wrong()

    async def test_the_contract_is_one_click_away(self, visit: "Visit") -> None:
        address = await visit.page.get_by_role("link", name="schema.graphql").evaluate("link => link.href")
        answer = await visit.page.request.get(address)
        assert answer.status == 200
        assert "type Query" in await answer.text()

    async def test_every_dialog_and_panel_opens_under_the_security_policy(self, visit: "Visit") -> None:
        page = visit.page
        for label, sign in (("Open settings dialog", "Theme"), ("Open short keys dialog", "Short Keys")):
            await page.get_by_label(label).click()
            await expect(page.get_by_role("dialog")).to_contain_text(sign)
            await page.keyboard.press("Escape")
        await page.get_by_label("Show History").click()
        await page.get_by_role("tab", name="ConfigureRecording").click()
        await page.get_by_role("button", name="Headers").click()
        await page.get_by_label("Prettify query").hover()
        await expect(page.get_by_role("tooltip").first).to_be_attached()
        visit.assert_nothing_went_wrong()
        assert await page.evaluate("violations") == []

    async def test_a_key_typed_into_the_bar_answers_who_am_i(self, visit: "Visit", explorer: "Served") -> None:
        await visit.enter_key(explorer.key)
        await visit.run()
        await expect(visit.answer).to_contain_text('"viewer"')
        await expect(visit.answer).to_contain_text('"scope"')
        await expect(visit.hint).to_contain_text("forgotten when this page closes or reloads")
        visit.assert_nothing_went_wrong()
        assert await visit.page.evaluate("violations") == []

    async def test_running_without_a_key_says_that_one_is_needed(self, visit: "Visit") -> None:
        await visit.run()
        await expect(visit.hint).to_have_text("An API key is needed: paste one here, then run it again.")
        await expect(visit.answer).to_contain_text("UNAUTHENTICATED")

    async def test_a_refused_key_says_so_until_another_is_typed(self, visit: "Visit") -> None:
        await visit.enter_key("not-a-key-of-this-server")
        await visit.run()
        await expect(visit.hint).to_contain_text("does not accept this key")
        await visit.key_field.fill("another")
        await expect(visit.hint).to_contain_text("Kept in memory only")

    async def test_a_key_with_a_character_that_no_key_has_is_not_sent(self, visit: "Visit") -> None:
        await visit.enter_key("VG_first…last")
        await visit.run()
        await expect(visit.hint).to_have_text("This is not a whole key: copy it again.")
        visit.assert_nothing_went_wrong()

    async def test_a_tab_can_be_run_the_moment_it_is_chosen(self, visit: "Visit", explorer: "Served") -> None:
        await visit.enter_key(explorer.key)
        await visit.tabs.get_by_text("ListAccounts").click()
        await visit.run()
        await expect(visit.answer).to_contain_text('"totalCount"')
        visit.assert_nothing_went_wrong()

    async def test_the_key_is_covered_until_its_button_shows_it(self, visit: "Visit", explorer: "Served") -> None:
        await visit.enter_key(explorer.key)
        await expect(visit.key_field).to_have_attribute("type", "password")
        await visit.page.get_by_role("button", name="Show", exact=True).click()
        await expect(visit.key_field).to_have_attribute("type", "text")
        await visit.page.get_by_role("button", name="Hide", exact=True).click()
        await expect(visit.key_field).to_have_attribute("type", "password")

    async def test_reloading_forgets_the_key(self, visit: "Visit", explorer: "Served") -> None:
        await visit.enter_key(explorer.key)
        await visit.run()
        await expect(visit.answer).to_contain_text('"viewer"')
        await visit.page.reload()
        await expect(visit.tabs).to_have_text(TAB_NAMES)
        await expect(visit.key_field).to_have_value("")
        await visit.run()
        await expect(visit.answer).to_contain_text("UNAUTHENTICATED")

    async def test_an_address_fills_the_examples_in_but_never_a_secret(
        self, browser: Browser, explorer: "Served"
    ) -> None:
        fragment = "#accountId=AC11112222333344445555666677778888&bucketName=my-bucket&secretAccessKey=from-the-address"
        async with visiting(await browser.new_context(), explorer.url + fragment) as visit:
            await visit.page.get_by_role("tab", name="ConfigureRecording").click()
            variables = visit.page.get_by_label("Variables").locator(".graphiql-editor:not(.hidden) .CodeMirror-code")
            await expect(variables).to_contain_text("AC11112222333344445555666677778888")
            await expect(variables).to_contain_text("my-bucket")
            await expect(variables).to_contain_text("YOUR-SECRET-ACCESS-KEY")
            visit.assert_nothing_went_wrong()

    async def test_nothing_that_is_typed_outlives_the_page(self, explorer: "Served", tmp_path: Path) -> None:
        """Looks into every store that the page can reach, then for the bytes in the browser's profile on disk."""
        typed_header = "typed-into-the-headers-editor-5f1c"
        typed_query = "typed_into_the_query_editor_77aa"
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                tmp_path / "profile", executable_path=CHROMIUM, args=QUIET_CHROMIUM
            )
            async with visiting(context, explorer.url) as visit:
                page = visit.page
                await visit.enter_key(explorer.key)
                await page.get_by_role("button", name="Show", exact=True).click()
                await page.get_by_role("button", name="Headers").click()
                await page.get_by_label("Headers").locator(".graphiql-editor:not(.hidden) .CodeMirror").click()
                await page.keyboard.insert_text(json.dumps({"X-Typed": typed_header}))
                await page.locator(".graphiql-query-editor .CodeMirror").click()
                await page.keyboard.press("Control+Home")
                await page.keyboard.insert_text(f"# {typed_query}\n")
                await visit.run()
                await expect(visit.answer).to_contain_text('"viewer"')
                # GraphiQL writes its tabs half a second after the last change.
                await page.wait_for_timeout(1200)
                stores = await page.evaluate(
                    """async () => ({
                        local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
                        databases: await indexedDB.databases(), caches: await caches.keys(), address: location.href,
                    })"""
                )
                assert stores == {
                    "local": {},
                    "session": {},
                    "cookies": "",
                    "databases": [],
                    "caches": [],
                    "address": explorer.url,
                }
                assert await context.cookies() == []
                visit.assert_nothing_went_wrong()
        files = [path for path in (tmp_path / "profile").rglob("*") if path.is_file()]
        assert files, "the browser wrote no profile, so this looked at nothing"
        for path in files:
            content = path.read_bytes()
            for secret in (explorer.key, typed_header, typed_query):
                assert secret.encode() not in content, f"{secret} is in {path.name}"
                assert secret.encode("utf-16-le") not in content, f"{secret} is in {path.name}"


class TestTheExamples:
    def test_every_tab_is_valid_against_the_contract_with_its_variables(self, explorer: "Served") -> None:
        answer = httpx.post(
            explorer.url,
            json={"query": get_introspection_query(input_value_deprecation=True)},
            headers={"Authorization": f"Bearer {explorer.key}"},
        )
        schema = build_client_schema(answer.json()["data"])
        assert validate(schema, parse("{ thereIsNoSuchField }")), "the check itself must be able to fail"
        for path in sorted(TABS.glob("*.graphql")):
            document = parse(path.read_text())
            assert validate(schema, document) == [], path.name
            variables = path.with_suffix(".json")
            given = json.loads(variables.read_text()) if variables.exists() else {}
            definitions = document.definitions[0].variable_definitions or ()
            coerced = get_variable_values(schema, definitions, given)
            assert not isinstance(coerced, list), f"{variables.name}: {coerced}"

    def test_the_tabs_are_the_operations_in_their_order(self) -> None:
        documents = [parse(path.read_text()) for path in sorted(TABS.glob("*.graphql"))]
        assert [document.definitions[0].name.value for document in documents] == TAB_NAMES


class TestTheFiles:
    def test_a_file_of_this_version_is_kept_for_ever_and_checked_by_its_tag_otherwise(self, explorer: "Served") -> None:
        page = httpx.get(explorer.url, headers={"Accept": "text/html"})
        address = next(part for part in page.text.split('"') if part.startswith("/graphiql/graphiql.js?v="))
        with httpx.Client(base_url=explorer.url.removesuffix("/graphql")) as client:
            kept = client.get(address)
            assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
            loose = client.get("/graphiql/graphiql.js")
            assert loose.headers["cache-control"] == "no-cache"
            again = client.get("/graphiql/graphiql.js", headers={"If-None-Match": loose.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "name", ["page.py", "archives.json", "..%2Finstall.py", "nothing.js", "%2e%2e%2fkeys.json"]
    )
    def test_no_other_file_is_served(self, explorer: "Served", name: str) -> None:
        assert httpx.get(explorer.url.removesuffix("/graphql") + f"/graphiql/{name}").status_code == 404

    def test_the_page_runs_no_inline_script_and_sits_in_no_frame(self, explorer: "Served") -> None:
        page = httpx.get(explorer.url, headers={"Accept": "text/html"})
        policy = page.headers["content-security-policy"]
        assert "default-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"

    async def test_without_its_files_the_page_says_what_to_do(self, tmp_path: Path) -> None:
        bare = Explorer(tmp_path)
        app = Starlette(routes=[ServerRoute("/graphql", bare.page), *bare.asset_routes()])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://explorer") as client:
            page = await client.get("/graphql")
            assert page.status_code == 503
            assert "make install" in page.text
            assert (await client.get("/graphiql/style.css")).status_code == 200
            assert (await client.get("/graphiql/graphiql.js")).status_code == 404


class TestInstalling:
    def test_when_the_files_are_there_npm_is_not_called(self, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        assert install.main([str(installed)]) == 0

    def test_a_missing_npm_is_one_clear_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", "")
        assert install.main([str(tmp_path / "var")]) == 1
        assert capsys.readouterr().err.splitlines() == [
            "GraphiQL is not installed: npm was not found on the PATH; install Node.js with npm, then run this again"
        ]

    def test_an_archive_with_another_checksum_installs_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pretend_npm(
            tmp_path, monkeypatch, 'for p in "$@"; do case $p in *@*) echo evil > "${p%@*}-${p##*@}.tgz";; esac; done'
        )
        assert install.main([str(tmp_path / "var")]) == 1
        assert capsys.readouterr().err.splitlines() == [
            "GraphiQL is not installed: react-18.3.1.tgz is not the expected archive (its sha512 differs); "
            "nothing was installed"
        ]
        assert list((tmp_path / "var").iterdir()) == []

    def test_npm_that_fails_is_one_line_with_its_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pretend_npm(tmp_path, monkeypatch, "echo npm error code ENOTFOUND >&2; echo more >&2; exit 1")
        assert install.main([str(tmp_path / "var")]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith("failed: npm error code ENOTFOUND")
        assert list((tmp_path / "var").iterdir()) == []

    def test_files_of_an_older_version_count_as_not_installed(self, installed: Path, tmp_path: Path) -> None:
        shutil.copytree(installed / install.FOLDER_NAME, tmp_path / install.FOLDER_NAME)
        assert install.is_installed(tmp_path / install.FOLDER_NAME)
        (tmp_path / install.FOLDER_NAME / "archives.json").write_text("[]")
        assert not install.is_installed(tmp_path / install.FOLDER_NAME)


@dataclass
class Served:
    """A running server: the address of its GraphQL endpoint, and a key that it accepts."""

    url: str
    key: str


@dataclass
class Visit:
    """One open page, with what it asked of other hosts and what it complained about."""

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
        return self.page.get_by_role("group", name="API key").locator("input")

    async def enter_key(self, key: str) -> None:
        await self.key_field.fill(key)
        await self.key_field.press("Enter")

    async def run(self) -> None:
        await self.page.get_by_role("button", name="Execute query").click()

    def assert_nothing_went_wrong(self) -> None:
        assert self.outside == [], "the page asked another host for something"
        assert self.complaints == [], "the browser's console has errors"


class visiting:
    """Opens the page in a context of its own that can reach loopback only; closes the context at the end."""

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


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET_CHROMIUM)
        yield browser
        await browser.close()


@pytest.fixture
async def visit(browser: Browser, explorer: "Served") -> AsyncIterator[Visit]:
    async with visiting(await browser.new_context(), explorer.url) as visit:
        yield visit


def pretend_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.fixture(scope="session")
def installed() -> Path:
    """The data directory that holds GraphiQL's files; they are fetched where `make install` did not run before."""
    data_dir = REPOSITORY / "var"
    assert install.main([str(data_dir)]) == 0
    return data_dir


@pytest.fixture(scope="session")
def explorer(installed: Path) -> Iterator[Served]:
    key = "a-key-for-the-explorer-0123456789"
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(answering_from_the_contract(installed, key), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/graphql", key)
    server.should_exit = True
    thread.join(timeout=10)


def answering_from_the_contract(data_dir: Path, key: str) -> Starlette:
    """A server with the real page, and answers of fixed data in the shape of the contract."""
    schema = build_schema(CONTRACT)
    page = Explorer(data_dir)

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return await page.page(request)
        asked = await request.json()
        is_introspection = "__schema" in asked["query"]
        if request.headers.get("authorization") != f"Bearer {key}" and not is_introspection:
            error = {"message": "An API key is needed.", "extensions": {"code": "UNAUTHENTICATED"}}
            return JSONResponse({"data": None, "errors": [error]})
        result = graphql_sync(
            schema,
            asked["query"],
            ANSWERS,
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )
        return JSONResponse(result.formatted)

    async def contract(_: Request) -> Response:
        return PlainTextResponse(CONTRACT)

    return Starlette(
        routes=[
            ServerRoute("/graphql", answer, methods=["GET", "POST"]),
            ServerRoute("/schema.graphql", contract),
            *page.asset_routes(),
        ]
    )


ANSWERS = {
    "viewer": {
        "scope": "SERVICE_PROVIDER",
        "accessLevel": "FULL",
        "serviceProvider": {"id": "SP0192f3a0c5d87e1fa4b26c7d8e9f0a1b", "name": "Northwind Telecom"},
        "apiKey": {"id": "AK0192f3a0c5d87e1fa4b26c7d8e9f0a2c", "name": "Operations desk"},
    },
    "accounts": {
        "totalCount": 2,
        "pageInfo": {"hasNextPage": False, "endCursor": "b3BhcXVl"},
        "nodes": [
            {
                "id": f"AC0192f3a0c5d87e1fa4b26c7d8e9f0a{suffix}",
                "name": name,
                "active": True,
                "sipRealm": realm,
                "serviceProvider": {"id": "SP0192f3a0c5d87e1fa4b26c7d8e9f0a1b", "name": "Northwind Telecom"},
                "recordingConfig": {"enabled": True, "storageStatus": status},
            }
            for suffix, name, realm, status in [
                ("3d", "Acme Dental", "acme.sip.example.com", "WORKING"),
                ("4e", "Blue Harbour Hotels", "harbour.sip.example.com", "FAILING"),
            ]
        ],
    },
}

CONTRACT = """
scalar DateTime
enum Scope { ADMIN SERVICE_PROVIDER ACCOUNT }
enum AccessLevel { FULL READ_ONLY }
enum OrderDirection { ASC DESC }
enum AccountOrderField { NAME CREATED_AT }
enum AudioFormat { WAV MP3 }
enum BucketVendor { AWS_S3 S3_COMPATIBLE }
enum StorageStatus { UNVERIFIED WORKING FAILING }
type Query {
  "Who is asking."
  viewer: Viewer
  "The accounts within reach of the viewer."
  accounts(first: Int = 20, after: String, filter: AccountFilter, orderBy: AccountOrder): AccountConnection
}
type Viewer { scope: Scope! accessLevel: AccessLevel! account: Account serviceProvider: ServiceProvider apiKey: ApiKey }
type ServiceProvider { id: ID! name: String! }
type ApiKey { id: ID! name: String! scope: Scope! accessLevel: AccessLevel! expiresAt: DateTime }
type Account {
  id: ID! name: String! active: Boolean! sipRealm: String version: Int! serviceProvider: ServiceProvider
  recordingConfig: RecordingConfig
}
type RecordingConfig {
  id: ID! enabled: Boolean! audioFormat: AudioFormat! bucketVendor: BucketVendor bucketName: String region: String
  accessKeyIdEnding: String secretAccessKeySetAt: DateTime s3Tags: [S3Tag!]! recordAllCalls: Boolean!
  storageStatus: StorageStatus! storageStatusSince: DateTime version: Int!
}
type S3Tag { name: String! value: String! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type AccountConnection { totalCount: Int! pageInfo: PageInfo! nodes: [Account!]! }
input AccountFilter { nameContains: String }
input AccountOrder { field: AccountOrderField! direction: OrderDirection! }
type UserError { code: String! message: String! field: [String!] }
type Mutation {
  createAccount(input: CreateAccountInput!): CreateAccountPayload
  updateRecordingConfig(input: UpdateRecordingConfigInput!): UpdateRecordingConfigPayload
  verifyRecordingStorage(input: VerifyRecordingStorageInput!): VerifyRecordingStoragePayload
  verifyStoredRecordingStorage(input: VerifyStoredRecordingStorageInput!): VerifyStoredRecordingStoragePayload
  createApiKey(input: CreateApiKeyInput!): CreateApiKeyPayload
}
input CreateAccountInput { name: String! sipRealm: String }
type CreateAccountPayload { account: Account userErrors: [UserError!]! }
input S3TagInput { name: String! value: String! }
input UpdateRecordingConfigInput {
  accountId: ID! enabled: Boolean audioFormat: AudioFormat bucketVendor: BucketVendor endpointUrl: String
  bucketName: String region: String accessKeyId: String secretAccessKey: String s3Tags: [S3TagInput!]
  recordAllCalls: Boolean ifVersion: Int
}
type UpdateRecordingConfigPayload { recordingConfig: RecordingConfig userErrors: [UserError!]! }
input VerifyRecordingStorageInput {
  accountId: ID! bucketVendor: BucketVendor! endpointUrl: String bucketName: String! region: String!
  accessKeyId: String secretAccessKey: String s3Tags: [S3TagInput!]
}
input VerifyStoredRecordingStorageInput { accountId: ID! }
type Verification {
  verdict: String! canPlay: Boolean! canErase: Boolean! fingerprint: String! durationMs: Float!
  steps: [VerificationStep!]! warnings: [String!]! leftoverKey: String
}
type VerificationStep {
  step: String! status: String! durationMs: Float s3Code: String httpStatus: Int requestId: String advice: String
}
type VerifyRecordingStoragePayload { verification: Verification userErrors: [UserError!]! }
type VerifyStoredRecordingStoragePayload {
  verification: Verification recordingConfig: RecordingConfig userErrors: [UserError!]!
}
input CreateApiKeyInput { name: String! accessLevel: AccessLevel! expiresAt: DateTime owner: ApiKeyOwnerInput }
input ApiKeyOwnerInput @oneOf { accountId: ID serviceProviderId: ID installation: Boolean }
type CreateApiKeyPayload { apiKey: ApiKey token: String userErrors: [UserError!]! }
"""
