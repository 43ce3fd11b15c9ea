"""python -m tests.clients.check: do the clients that generators make of schema.graphql compile, read and save?

Both are generated from the contract and `documents/`, compiled under strict settings, and asked for an account of a server
that this check starts; what they print is compared with what was created, with what the account form was told to save, and with
a call that is reported while one of them listens. The first run installs the generators.
"""

import difflib
import itertools
import json
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from tests.clients import example, projects
from tests.clients.projects import PYTHON, TYPESCRIPT, Failed, Project


def main() -> int:
    missing = projects.what_is_missing()
    if missing:
        print(*missing, sep="\n", file=sys.stderr)
        return 1
    projects.lay_out()
    started = time.monotonic()
    with ThreadPoolExecutor() as side_by_side:
        preparing = {project: side_by_side.submit(project.prepare) for project in (TYPESCRIPT, PYTHON)}
        try:
            with example.served() as served:
                failures = [
                    failure for project in preparing if (failure := _failure(project, preparing[project], served))
                ]
                # At the end, since it changes what the others read.
                failures += failures or (_form_failures(served) + _watch_failures(served))
        except Failed as failed:
            failures = [str(failed)]
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(
        f"The TypeScript and the Python client compile, read what was created, save the form and watch calls ({seconds:.0f} s)."
    )
    return 0


def _failure(project: Project, prepared: "Future[None]", served: example.Example) -> str | None:
    try:
        prepared.result()
        printed = project.account(served.url, served.key, served.account["id"])
        _compare(project, printed, served.account)
    except Failed as failed:
        return str(failed)
    return None


def _form_failures(served: example.Example) -> list[str]:
    """What the account form of the TypeScript client does not do: saves all that is right, and nothing of what is not."""
    asked = [("Bakery & Sons 🥨", "Not A Bucket"), ("Bakery & Sons 🥨", "bakery-calls-2")]
    refused, saved = (TYPESCRIPT.saved(served.url, served.key, served.account["id"], *given) for given in asked)
    failures = []
    if refused["name"] != served.account["name"] or list(refused["mistakes"]) != ["recordingConfig.bucketName"]:
        failures.append(f"typescript: the account form does not refuse what is wrong: {refused}")
    if saved != {"name": "Bakery & Sons 🥨", "bucketName": "bakery-calls-2", "mistakes": {}}:
        failures.append(f"typescript: the account form does not save: {saved}")
    return failures


def _watch_failures(served: example.Example) -> list[str]:
    """What the TypeScript client does not hear: a call that is reported while it listens. Raises Failed."""
    said = {"from": "+493023125001", "to": "+493023125100"}
    with ThreadPoolExecutor() as beside:
        watching = beside.submit(TYPESCRIPT.watched, served.url, served.key, served.account["id"])
        # It says nowhere that it listens by now, so calls are reported until it has heard one.
        for number in itertools.count():
            if wait([watching], timeout=0.2).done:
                break
            served.report(callId=f"check-{number}", direction="INBOUND", sipStatus=180, **said)
    heard = watching.result()
    if heard != {**said, "endedAt": None, "recording": "NONE"}:
        return [f"typescript: it hears another call than was reported: {heard}"]
    return []


def _compare(project: Project, printed: Any, created: dict[str, Any]) -> None:
    """Raises Failed with the lines that differ."""
    # A cursor is opaque: that there is one is all that can be said of it.
    if not printed.get("apiKeys", {}).get("pageInfo", {}).pop("endCursor", None):
        raise Failed(f"{project.name}: the page of keys has no endCursor")
    if printed != created:
        lines = difflib.unified_diff(_lines(created), _lines(printed), "created", "printed", lineterm="")
        raise Failed("\n".join((f"{project.name}: it reads another account than was created:", *lines)))


def _lines(account: Any) -> list[str]:
    return json.dumps(account, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


if __name__ == "__main__":
    sys.exit(main())
