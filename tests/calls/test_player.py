"""The player page: its content, its restrictions, and playback in a browser without network access."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.calls import signed_urls
from app.calls.model import Call, RecordingState
from app.demo.local_s3 import LocalS3
from app.storage.model import AudioFormat
from tests.recording.recorded import Recorded, client_of, conversation, recorded, served, target_in, wav
from tests.support.installation import Installation, Person
from tests.support.waiting import until

HOSTILE = '"><script>alert(1)</script>&lt;\u202e'


@pytest.fixture
async def own(installation: Installation, local_s3: LocalS3) -> Recorded:
    """Eight seconds of two tones."""
    return await recorded(installation, target_in(local_s3), audio=wav(8), recording_duration_ms=8_000)


async def test_the_page_shows_caller_and_callee(own: Recorded, account_user: Person, stranger: Person) -> None:
    answer = await stranger.client.get(await own.address(account_user, player=True))
    assert answer.status_code == 200
    for said in ("+4930123456", "+4989654321", "2026-01-31 13:37:00 UTC", "0:08", "WAV", "Incoming call"):
        assert said in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "://" not in re.sub(r"xmlns='[^']+'", "", answer.text), "it names no other host"
    for name in re.findall(r'(?:src|href)="\.\./(player/[^"]+)"', answer.text):
        file = await stranger.client.get(f"/recordings/{name}")
        assert (file.status_code, "immutable" in file.headers["cache-control"]) == (200, True)
        assert "://" not in file.text
    assert (await stranger.client.get("/recordings/player/page.py")).status_code == 404


async def test_numbers_are_hidden_from_callers_who_may_listen_and_not_see_calls(
    own: Recorded, installation: Installation, account_user: Person, stranger: Person
) -> None:
    permissions = ["LISTEN_TO_RECORDINGS"]
    made = await account_user.change(
        "createApiKey", "token", name="Listener", accessLevel="CUSTOM", permissions=permissions
    )
    listener = installation.holder(made["token"])
    page = await stranger.client.get(await own.address(listener, player=True))
    audio = await stranger.client.get(await own.address(listener))
    assert (page.status_code, audio.status_code, audio.content) == (200, 200, own.audio)
    for number in ("4930123456", "4989654321"):
        assert number not in page.text
        assert number not in audio.headers["content-disposition"]
    assert (await listener.ask(f'{{ call(id: "{own.id}") {{ from }} }}')).codes == ["FORBIDDEN"]


async def test_numbers_are_escaped_on_the_page(
    installation: Installation, local_s3: LocalS3, account_user: Person, stranger: Person
) -> None:
    call = await recorded(installation, target_in(local_s3), from_number=HOSTILE, to_number="$address {x} %s")
    answer = await stranger.client.get(await call.address(account_user, player=True))
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "$address {x} %s" in answer.text
    audio = await stranger.client.get(await call.address(account_user))
    assert audio.headers["content-disposition"].count('"') == 2


async def test_a_refused_page_says_why(
    own: Recorded,
    installation: Installation,
    local_s3: LocalS3,
    account_user: Person,
    stranger: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storing = await recorded(installation, target_in(local_s3), recording_state=RecordingState.STORING)
    waiting = await stranger.client.get(await storing.address(account_user, player=True))
    assert (waiting.status_code, "being uploaded" in waiting.text) == (409, True)
    monkeypatch.setattr(signed_urls, "URL_SECONDS", -1)
    ended = await stranger.client.get(await own.address(account_user, player=True))
    assert (ended.status_code, "Request a new one" in ended.text) == (403, True)
    assert ended.headers["content-type"].startswith("text/html")
    unknown = await stranger.client.get(f"{own.path}/player")
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")


async def test_reloading_the_page_does_not_extend_its_signature(
    own: Recorded, account_user: Person, stranger: Person
) -> None:
    address = await own.address(account_user, player=True)
    page = (await stranger.client.get(address)).text.replace("&amp;", "&")
    assert f'src="../{own.id}.wav?{urlsplit(address).query}"' in page


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    playwright = pytest.importorskip("playwright.async_api")
    from tests.server.graphiql.visit import CHROMIUM, QUIET_CHROMIUM

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=QUIET_CHROMIUM)
        yield browser
        await browser.close()


class Page:
    """The player in a browser that reaches this machine only."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.outside: list[str] = []
        self.complaints: list[str] = []

    async def open(self, address: str) -> None:
        from tests.server.graphiql.visit import WATCH_FOR_VIOLATIONS

        async def loopback_only(route: Any) -> None:
            if urlsplit(route.request.url).hostname == "127.0.0.1":
                await route.continue_()
            else:
                self.outside.append(route.request.url)
                await route.abort()

        await self.page.route("**/*", loopback_only)
        await self.page.add_init_script(WATCH_FOR_VIOLATIONS)
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await self.page.goto(address)

    async def time(self) -> float:
        found: float = await self.page.evaluate("document.getElementById('audio').currentTime")
        return found

    async def until(self, script: str) -> None:
        # Playwright's own waiting evaluates a text in the page, which the page's policy forbids.
        await until(lambda: self.page.evaluate(script))

    async def settled(self) -> None:
        """Two frames later, the page has finished pending work."""
        await self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
        )

    async def heights(self, place: float = 0.5) -> list[int]:
        """The drawn waveform at a position from 0 (left) to 1: the number of coloured pixels above and below."""
        found: list[int] = await self.page.evaluate(
            """(place) => { const c = document.getElementById("canvas"), x = Math.round(c.width * place);
               const half = Math.floor(c.height / 2), g = c.getContext("2d");
               return [0, half + 1].map((y) => { const d = g.getImageData(x, y, 1, half - 1).data; let n = 0;
                 for (let i = 3; i < d.length; i += 4) if (d[i] > 20) n += 1; return n; }); }""",
            place,
        )
        return found

    async def assert_nothing_went_wrong(self) -> None:
        assert self.outside == [], "the page asked another host for something"
        assert self.complaints == [], "the browser's console has errors"
        assert await self.page.evaluate("violations") == []


@pytest.fixture
async def page(browser: Any) -> Page:
    context = await browser.new_context(viewport={"width": 900, "height": 560}, locale="en-GB")
    return Page(await context.new_page())


async def opened(page: Page, client: Any, call: Recorded, person: Person) -> None:
    await page.open(f"{str(client.base_url).rstrip('/')}{await call.address(person, player=True)}")
    await page.until("!document.getElementById('play').disabled")


@pytest.mark.browser
async def test_a_person_plays_and_seeks(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    async with served(installation) as client:
        await opened(page, client, own, account_user)
        await page.until("document.getElementById('note').textContent === ''")
        play = page.page.get_by_role("button", name="Play")
        await play.click()
        await page.until("document.getElementById('audio').currentTime > 0.5")
        pause = page.page.get_by_role("button", name="Pause")
        await pause.click()
        wave = page.page.get_by_role("slider", name="Position in the recording")
        box = await wave.bounding_box()
        await page.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 20)
        assert await page.time() == pytest.approx(6, abs=0.1)
        await wave.press("ArrowLeft")
        assert await page.time() == pytest.approx(1, abs=0.1)
        await wave.press("End")
        assert await page.time() == pytest.approx(8, abs=0.1)
        await wave.press("Home")
        assert await page.time() == 0
        await wave.press(" ")
        await page.until("document.getElementById('audio').currentTime > 0.2")
        await wave.press(" ")
        assert (await wave.get_attribute("aria-valuetext") or "").endswith("of 0:08")
        await page.assert_nothing_went_wrong()


@pytest.mark.browser
async def test_pausing_before_playback_shows_no_error(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    async with served(installation) as client:
        await opened(page, client, own, account_user)
        # As on a slow network: nothing has arrived yet.
        await page.page.evaluate(
            """() => { const play = document.getElementById("play");
                 document.getElementById("audio").load(); play.click(); play.click(); }"""
        )
        await page.until("document.getElementById('audio').readyState > 0")
        await page.settled()
        assert await page.page.locator("#problem").is_hidden()
        await page.page.get_by_role("button", name="Play").click()
        await page.until("document.getElementById('audio').currentTime > 0.2")
        await page.assert_nothing_went_wrong()


@pytest.mark.browser
async def test_seeking_draws_once_per_frame(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    async with served(installation) as client:
        await opened(page, client, own, account_user)
        await page.page.get_by_role("button", name="Play").click()
        wave = page.page.get_by_role("slider")
        for _ in range(10):
            await wave.press("Home")
        drawn = await page.page.evaluate(
            """() => new Promise((done) => {
                 const clear = CanvasRenderingContext2D.prototype.clearRect;
                 let drawn = 0, frames = 0;
                 CanvasRenderingContext2D.prototype.clearRect = function (...where) {
                   drawn += 1;
                   return clear.apply(this, where);
                 };
                 const next = () => { frames += 1; frames < 20 ? requestAnimationFrame(next) : done(drawn / frames); };
                 requestAnimationFrame(next);
               })"""
        )
        assert 0.5 < drawn < 1.5


@pytest.mark.browser
async def test_the_waveform_is_drawn_from_both_channels(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    async with served(installation) as client:
        await opened(page, client, own, account_user)
        await page.until("document.getElementById('note').textContent === ''")
        left, right = await page.heights()
        assert left > 20
        assert right == pytest.approx(left / 2, rel=0.15), "the right one is half as loud"


@pytest.mark.browser
async def test_the_waveform_shows_which_side_is_silent(
    installation: Installation, local_s3: LocalS3, account_user: Person, page: Page, tmp_path: Path
) -> None:
    """Its picture is `docs/player.png`."""
    call = await recorded(installation, target_in(local_s3), audio=conversation(20), recording_duration_ms=20_000)
    async with served(installation) as client:
        await opened(page, client, call, account_user)
        await page.until("document.getElementById('note').textContent === ''")
        # At eleven seconds the caller speaks, at fourteen the callee.
        left, right = await page.heights(0.55), await page.heights(0.7)
        assert left[0] > 5 * left[1]
        assert right[1] > 5 * right[0]
        box = await page.page.get_by_role("slider").bounding_box()
        await page.page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 60)
        (tmp_path / "player.png").write_bytes(await page.page.screenshot())


@pytest.mark.browser
async def test_an_mp3_plays(installation: Installation, local_s3: LocalS3, account_user: Person, page: Page) -> None:
    import lameenc

    encoder = lameenc.Encoder()
    encoder.set_bit_rate(128)
    encoder.set_in_sample_rate(8000)
    encoder.set_channels(2)
    encoder.silence()
    audio = bytes(encoder.encode(wav(8)[44:]) + encoder.flush())
    call = await recorded(
        installation, target_in(local_s3), audio=audio, audio_format=AudioFormat.MP3, recording_duration_ms=8_000
    )
    async with served(installation) as client:
        await opened(page, client, call, account_user)
        await page.until("document.getElementById('note').textContent === ''")
        await page.page.get_by_role("button", name="Play").click()
        await page.until("document.getElementById('audio').currentTime > 0.3")
        left, right = await page.heights()
        assert left > 20
        assert 0 < right < left
        await page.assert_nothing_went_wrong()


@pytest.mark.browser
async def test_a_recording_too_long_for_a_waveform_plays_without_one(
    installation: Installation, local_s3: LocalS3, account_user: Person, page: Page
) -> None:
    call = await recorded(installation, target_in(local_s3), audio=wav(2), recording_duration_ms=3 * 3_600_000)
    async with served(installation) as client:
        await opened(page, client, call, account_user)
        assert "too long for a waveform" in (await page.page.locator("#note").text_content() or "")
        await page.page.get_by_role("button", name="Play").click()
        await page.until("document.getElementById('audio').currentTime > 0.2")


@pytest.mark.browser
async def test_the_page_says_that_a_recording_was_deleted(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    client_of(own.target).delete_object(Bucket="calls", Key=own.call.recording_key)
    async with served(installation) as client:
        await page.open(f"{str(client.base_url).rstrip('/')}{await own.address(account_user, player=True)}")
        await page.until("!document.getElementById('problem').hidden")
        assert "is no longer in the bucket" in (await page.page.get_by_role("alert").text_content() or "")
        assert await page.page.get_by_role("button", name="Play").is_disabled()


@pytest.mark.browser
async def test_a_dark_screen_gets_a_dark_page_and_hostile_names_stay_text(
    own: Recorded, installation: Installation, account_user: Person, page: Page
) -> None:
    async with installation.database():
        await Call.filter(id=own.call.id).update(from_number=HOSTILE)
    await page.page.emulate_media(color_scheme="dark")
    async with served(installation) as client:
        await opened(page, client, own, account_user)
        assert await page.page.locator(".caller").first.text_content() == HOSTILE
        ground = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", ground)) < 60
        await page.settled()
        await page.assert_nothing_went_wrong()
