"""GraphiQL in a real browser that can reach this machine only."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.server.graphiql.visit import CHROMIUM, QUIET_CHROMIUM, TAB_NAMES, Served, Visit, visiting
from tests.support.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (no `chromium` on the PATH)"),
]


async def test_the_page_opens_with_its_ready_tabs_and_the_schema(visit: Visit) -> None:
    page = visit.page
    await expect(visit.tabs).to_have_text(TAB_NAMES)
    await expect(page.get_by_text("Voice gateway")).to_be_visible()
    await page.get_by_label("Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer-root-type").first).to_have_text("query")
    visit.assert_nothing_went_wrong()


async def test_every_tab_is_in_sight_in_a_narrow_window_and_opens_its_example(
    browser: Browser, explorer: Served
) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    async with visiting(context, explorer.url) as visit:
        for tab in await visit.tabs.all():
            await expect(tab).to_be_in_viewport(ratio=1)
        editor = visit.page.locator(".graphiql-query-editor .CodeMirror-code")
        for name in TAB_NAMES:
            await visit.tabs.get_by_text(name, exact=True).click()
            await expect(editor).to_contain_text(name)
        visit.assert_nothing_went_wrong()


async def test_on_a_phone_the_tabs_scroll_and_the_answer_is_below_the_query(browser: Browser, explorer: Served) -> None:
    context = await browser.new_context(viewport={"width": 400, "height": 860})
    async with visiting(context, explorer.url) as visit:
        await visit.enter_key(explorer.key)
        await visit.tabs.get_by_text(TAB_NAMES[-1], exact=True).click()
        await visit.tabs.get_by_text("WhoAmI", exact=True).click()
        await visit.run()
        await expect(visit.answer).to_contain_text('"scope"')
        await expect(visit.answer).to_be_in_viewport()
        editors = await visit.page.locator(".graphiql-editors").bounding_box()
        answer = await visit.page.locator(".graphiql-response").bounding_box()
        assert editors is not None
        assert answer is not None
        assert answer["y"] >= editors["y"] + editors["height"]
        assert min(editors["width"], answer["width"]) > 300
        visit.assert_nothing_went_wrong()


async def test_the_schema_opens_with_one_click(visit: Visit) -> None:
    address = await visit.page.get_by_role("link", name="schema.graphql").evaluate("link => link.href")
    answer = await visit.page.request.get(address)
    assert answer.status == 200
    assert "type Query" in await answer.text()


async def test_every_dialog_and_panel_opens_under_the_security_policy(visit: Visit) -> None:
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


async def test_a_key_entered_in_the_bar_authenticates_the_viewer_query(visit: Visit, explorer: Served) -> None:
    await visit.enter_key(explorer.key)
    await visit.run()
    await expect(visit.answer).to_contain_text('"viewer"')
    await expect(visit.answer).to_contain_text('"scope"')
    await expect(visit.hint).to_contain_text("forgotten when this page closes or reloads")
    visit.assert_nothing_went_wrong()
    assert await visit.page.evaluate("violations") == []


async def test_running_without_a_key_says_that_one_is_needed(visit: Visit) -> None:
    await visit.run()
    await expect(visit.hint).to_have_text("An API key is needed: paste one here, then run it again.")
    await expect(visit.answer).to_contain_text("UNAUTHENTICATED")


async def test_the_page_reports_a_refused_key_until_another_is_entered(visit: Visit) -> None:
    await visit.enter_key("not-a-key-of-this-server")
    await visit.run()
    await expect(visit.hint).to_contain_text("does not accept this key")
    await visit.key_field.fill("another")
    await expect(visit.hint).to_contain_text("Kept in memory only")


async def test_a_key_with_a_character_that_no_key_has_is_not_sent(visit: Visit) -> None:
    await visit.enter_key("VG_first…last")

    async def refused() -> bool:
        # On a busy machine the button appears before its editor.
        await visit.run()
        hint: str = await visit.hint.inner_text()
        return hint == "This is not a whole key: copy it again."

    await until(refused)
    visit.assert_nothing_went_wrong()


async def test_a_tab_can_be_run_the_moment_it_is_chosen(visit: Visit, explorer: Served) -> None:
    await visit.enter_key(explorer.key)
    await visit.tabs.get_by_text("ListAccounts").click()
    await visit.run()
    await expect(visit.answer).to_contain_text('"totalCount"')
    visit.assert_nothing_went_wrong()


async def test_a_subscription_shows_calls_as_they_are_reported(visit: Visit, explorer: Served) -> None:
    async def ask(query: str, key: str, **input: Any) -> Any:
        headers, body = {"Authorization": f"Bearer {key}"}, {"query": query, "variables": {"input": input}}
        answer = await visit.page.request.post(explorer.url, data=body, headers=headers)
        return (await answer.json())["data"]

    made = await ask(
        "mutation ($input: CreateServiceProviderInput!) { createServiceProvider(input: $input) { serviceProvider { id } } }",
        explorer.key,
        name="Watched voice",
    )
    provider = made["createServiceProvider"]["serviceProvider"]["id"]
    made = await ask(
        "mutation ($input: CreateAccountInput!) { createAccount(input: $input) { account { id } } }",
        explorer.key,
        name="Watched",
        serviceProviderId=provider,
        sipRealm="watched.example.com",
    )
    account = made["createAccount"]["account"]["id"]
    made = await ask(
        "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }",
        explorer.key,
        name="gateway",
        accessLevel="GATEWAY",
    )
    report = "mutation ($input: ReportCallsInput!) { reportCalls(input: $input) { acceptedCount } }"
    calls = [{"accountId": account, "callId": "seen-in-the-page"}]
    await visit.page.goto(f"{explorer.url}#accountId={account}")
    await visit.page.reload()
    await visit.enter_key(explorer.key)
    await visit.tabs.get_by_text("WatchCalls").click()
    await visit.run()
    await expect(visit.page.get_by_role("button", name="Stop query")).to_be_visible()
    for _ in range(10):
        await ask(report, made["createApiKey"]["token"], calls=calls)
        await visit.page.wait_for_timeout(200)
        if "seen-in-the-page" in await visit.answer.inner_text():
            break
    await expect(visit.answer).to_contain_text('"gatewayCallId": "seen-in-the-page"')
    await visit.page.get_by_role("button", name="Stop query").click()
    await expect(visit.page.get_by_role("button", name="Execute query")).to_be_visible()
    visit.assert_nothing_went_wrong()
    assert await visit.page.evaluate("violations") == []


async def test_a_subscription_without_a_key_says_that_one_is_needed(visit: Visit) -> None:
    await visit.tabs.get_by_text("WatchCalls").click()
    await visit.run()
    await expect(visit.hint).to_contain_text("An API key is needed")


async def test_the_key_is_covered_until_its_button_shows_it(visit: Visit, explorer: Served) -> None:
    await visit.enter_key(explorer.key)
    await expect(visit.key_field).to_have_attribute("type", "password")
    await visit.page.get_by_role("button", name="Show", exact=True).click()
    await expect(visit.key_field).to_have_attribute("type", "text")
    await visit.page.get_by_role("button", name="Hide", exact=True).click()
    await expect(visit.key_field).to_have_attribute("type", "password")


async def test_reloading_forgets_the_key(visit: Visit, explorer: Served) -> None:
    await visit.enter_key(explorer.key)
    await visit.run()
    await expect(visit.answer).to_contain_text('"viewer"')
    await visit.page.reload()
    await expect(visit.tabs).to_have_text(TAB_NAMES)
    await expect(visit.key_field).to_have_value("")
    await visit.run()
    await expect(visit.answer).to_contain_text("UNAUTHENTICATED")


async def test_an_address_fills_the_examples_in_but_never_a_secret(browser: Browser, explorer: Served) -> None:
    fragment = "#accountId=AC11112222333344445555666677778888&bucketName=my-bucket&secretAccessKey=from-the-address"
    async with visiting(await browser.new_context(), explorer.url + fragment) as visit:
        await visit.page.get_by_role("tab", name="ConfigureRecording").click()
        variables = visit.page.get_by_label("Variables").locator(".graphiql-editor:not(.hidden) .CodeMirror-code")
        await expect(variables).to_contain_text("AC11112222333344445555666677778888")
        await expect(variables).to_contain_text("my-bucket")
        await expect(variables).to_contain_text('"secretAccessKey": ""')
        visit.assert_nothing_went_wrong()


async def test_a_url_fills_in_the_login_and_not_the_new_user(browser: Browser, explorer: Served) -> None:
    async with visiting(await browser.new_context(), explorer.url + "#email=ann%40demo.example") as visit:
        variables = visit.page.get_by_label("Variables").locator(".graphiql-editor:not(.hidden) .CodeMirror-code")
        await visit.page.get_by_role("tab", name="Login").click()
        await expect(variables).to_contain_text("ann@demo.example")
        await visit.page.get_by_role("tab", name="CreateUser").click()
        await expect(variables).to_contain_text("new@example.com")


async def test_no_typed_text_outlives_the_page(explorer: Served, tmp_path: Path) -> None:
    """Searches every store of the page, then the browser's profile on disk."""
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
