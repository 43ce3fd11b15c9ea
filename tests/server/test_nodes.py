"""`nodes`: objects of any types by their ids."""

from typing import Any

from tests.support.installation import Installation, Person, World
from tests.support.statements import recorded

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Account { name } } }"


async def test_objects_come_in_the_order_of_their_ids_and_null_for_those_not_visible(
    provider: Person, world: World
) -> None:
    ids = [
        world["own_application"],
        world["foreign"],
        world["own"],
        "nonsense",
        f"AC{0:032x}",
        world["own"],
        world["provider"],
    ]
    found = (await provider.ask(NODES, ids=ids)).only("nodes")
    assert [each and (each["__typename"], each["id"]) for each in found] == [
        ("Application", world["own_application"]),
        None,
        ("Account", world["own"]),
        None,
        None,
        ("Account", world["own"]),
        ("ServiceProvider", world["provider"]),
    ]


async def test_each_type_takes_one_statement(admin: Person, world: World) -> None:
    await admin.ask("{ viewer { scope } }")  # fills the authentication cache
    with recorded() as statements:
        found = await admin.ask(NODES, ids=[world["own"], world["sibling"], world["foreign"], world["provider"]])
    assert all(found.only("nodes"))
    assert len(statements) == 2


async def test_at_most_a_hundred_ids_are_taken(admin: Person, world: World) -> None:
    assert len((await admin.ask(NODES, ids=[world["own"]] * 100)).only("nodes")) == 100
    answer = await admin.ask(NODES, ids=[world["own"]] * 101)
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "at most 100 ids" in answer.errors[0]["message"]
    assert (await admin.ask(NODES, ids=[])).only("nodes") == []


async def test_the_cost_grows_with_the_ids(admin: Person, world: World) -> None:
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ServiceProvider {
        accounts(first: 100) { nodes { applications(first: 100) { nodes { id } } } }
    } } }"""

    async def codes(ids: list[str]) -> list[str]:
        return (await admin.ask(query, ids=ids)).codes

    assert await codes([world["provider"]] * 2) == []
    assert await codes([world["provider"]] * 3) == ["BAD_USER_INPUT"]
    literal = ", ".join(f'"{world["provider"]}"' for _ in range(3))
    answer: Any = await admin.ask(query.replace("($ids: [ID!]!)", "").replace("$ids", f"[{literal}]"))
    assert answer.errors[0]["extensions"]["cost"] > 30_000


async def test_an_object_whose_type_needs_a_permission_is_null_with_an_error(
    installation: Installation, admin: Person, world: World
) -> None:
    made = await admin.change("createApiKey", "token", name="calls", accessLevel="CUSTOM", permissions=["VIEW_CALLS"])
    query = "{ auditEvents(first: 1) { nodes { id } } }"
    event = (await admin.ask(query)).only("auditEvents")["nodes"][0]["id"]
    answer = await installation.holder(made["token"]).ask(NODES, ids=[event, world["own"]])
    assert [each and each["id"] for each in answer.data["nodes"]] == [None, world["own"]]
    assert [(error["path"], error["extensions"]["requiredPermissions"]) for error in answer.errors] == [
        (["nodes", 0], ["VIEW_AUDIT_TRAIL"])
    ]
