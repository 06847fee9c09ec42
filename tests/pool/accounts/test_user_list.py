"""ListUsers and ListUsersInGroup over HTTP."""

import json
import tracemalloc

import anyio
import pytest

from authflow.pool.accounts import user_list
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import find_pool
from authflow.pool.accounts.users import User, insert_user, new_sub
from authflow.pool.store.database import Database

PEOPLE = {
    "ann": {"email": "ann@example.org", "name": "Ann Reddy", "phone_number": "+13125550100"},
    "Bob": {"email": "bob@example.org", "name": 'Bob "the \\ builder"'},
    "cid": {"name": "\u00c9mile 100%", "family_name": "Reddy"},
    "dan": {"family_name": "reddy-smith", "preferred_username": "dan_the_man"},
}
FOUND = {
    "": ["Bob", "ann", "cid", "dan", "eve"],
    'username = "ann"': ["ann"],
    'username = "bob"': [],
    'username ^= "B"': ["Bob"],
    'email = "ANN@example.org"': ["ann"],
    'email="ann@example"': [],
    'email ^= "ann@example"': ["ann"],
    'name = "Bob \\"the \\\\ builder\\""': ["Bob"],
    'name ^= "\u00e9mile 1"': ["cid"],
    'name = "\u00e9mile 100%"': ["cid"],
    'name ^= "%"': [],
    'family_name ^= "reddy"': ["cid", "dan"],
    'family_name = "reddy"': ["cid"],
    'phone_number ^= "+1312"': ["ann"],
    'preferred_username = "dan_the_man"': ["dan"],
    'preferred_username = "danxthe_man"': [],
    'cognito:user_status = "force_change_password"': ["eve"],
    'cognito:user_status ^= "c"': ["Bob", "ann", "cid", "dan"],
    'status = "Disabled"': ["dan"],
    'status ^= "E"': ["Bob", "ann", "cid", "eve"],
    'status = "disabled"': [],
    'given_name ^= ""': [],
}


@pytest.fixture
async def house(house):
    await house.api("CreateGroup", UserPoolId=house.pool_id, GroupName="staff")
    for name, attributes in PEOPLE.items():
        await house.add_user(name, **attributes)
    await house.api("AdminDisableUser", UserPoolId=house.pool_id, Username="dan")
    await house.api("AdminCreateUser", UserPoolId=house.pool_id, Username="eve")
    return house


async def listed(house, operation="ListUsers", **more):
    """Give the users of all pages, and how many pages there were."""
    token = "PaginationToken" if operation == "ListUsers" else "NextToken"
    found, pages, way = [], 0, {}
    while True:
        page = await house.api(operation, UserPoolId=house.pool_id, **more, **way)
        found += page["Users"]
        pages += 1
        if token not in page:
            return found, pages
        way = {token: page[token]}


async def names(house, text, **more):
    found, _ = await listed(house, Filter=text, **more)
    return sorted(user["Username"] for user in found)


async def test_a_user_is_listed_as_an_administrator_gets_one(house):
    found, _ = await listed(house)
    assert len(found) == 5
    for user in found:
        one = {"UserPoolId": house.pool_id, "Username": user["Username"]}
        got = await house.api("AdminGetUser", **one)
        assert {**user, "UserAttributes": user["Attributes"]} == {
            **got,
            "Attributes": got["UserAttributes"],
        }


async def test_users_are_found_by_one_attribute(house):
    for text, expected in FOUND.items():
        assert await names(house, text) == expected, text
        assert await names(house, text, Limit=1) == expected, text


async def test_a_user_is_found_by_the_sub(house):
    found, _ = await listed(house)
    for user in found:
        sub = {each["Name"]: each["Value"] for each in user["Attributes"]}["sub"]
        for text in (f'sub = "{sub}"', f'sub = "{sub.upper()}"', f'sub ^= "{sub[:20]}"'):
            assert await names(house, text) == [user["Username"]]


@pytest.mark.parametrize("window", [1, 2, 1000])
async def test_pages_have_every_user_once(house, monkeypatch, window):
    monkeypatch.setattr(user_list, "_WINDOW", window)
    for text, count in (("", 5), ('status = "Enabled"', 4)):
        for limit in (1, 2, 5, 60):
            found, pages = await listed(house, Limit=limit, Filter=text)
            assert len({user["Username"] for user in found}) == len(found) == count
            assert pages == -(-count // limit)
    assert len((await listed(house, Limit=0))[0]) == 5


async def test_only_the_attributes_that_are_asked_for_are_told(house):
    request = {"Filter": 'username = "ann"', "AttributesToGet": ["email", "sub", "email"]}
    ((user,), _) = await listed(house, **request)
    assert {each["Name"] for each in user["Attributes"]} == {"email", "sub"}
    ((whole,), _) = await listed(house, Filter='username = "ann"', AttributesToGet=[])
    assert len(whole["Attributes"]) == 4


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (["custom:none"], ""),
        (["email"], ""),  # not all have one
        (["email"], 'username = "dan"'),
        (["nickname"], 'username = "ann"'),  # not searchable, and somebody has none
        (["nickname"], 'username = "fay"'),  # who has one
        (["sub", "nope"], 'username = "nobody"'),
    ],
)
async def test_attributes_without_a_value_are_refused_as_documented(house, asked, text):
    await house.api(
        "AdminCreateUser",
        UserPoolId=house.pool_id,
        Username="fay",
        UserAttributes=[{"Name": "nickname", "Value": 'f "nickname": "'}],
    )
    request = {"UserPoolId": house.pool_id, "AttributesToGet": asked, "Filter": text}
    refusal = await house.api.refused("ListUsers", **request)
    assert refusal.code == "InvalidParameterException"
    assert refusal.message == "One or more requested attributes do not exist."


async def test_an_attribute_that_no_schema_has_is_refused_where_there_is_no_user(api, settle):
    empty = await settle(api)
    pool = {"UserPoolId": empty.pool_id}
    refusal = await api.refused("ListUsers", **pool, AttributesToGet=["custom:none"])
    assert refusal.message == "One or more requested attributes do not exist."
    assert await api("ListUsers", **pool, AttributesToGet=["nickname"]) == {"Users": []}


async def test_an_attribute_that_every_user_has_can_be_asked_for(house):
    await house.api("CreateUserPool", PoolName="x")
    told, _ = await listed(house, AttributesToGet=["sub"])
    assert all([each["Name"] for each in user["Attributes"]] == ["sub"] for user in told)
    pool = (await house.api("CreateUserPool", PoolName="nicks"))["UserPool"]["Id"]
    given = [{"Name": "nickname", "Value": "a"}]
    await house.api("AdminCreateUser", UserPoolId=pool, Username="a", UserAttributes=given)
    page = await house.api("ListUsers", UserPoolId=pool, AttributesToGet=["nickname"])
    assert [user["Attributes"] for user in page["Users"]] == [given]


@pytest.mark.parametrize(
    ("operation", "token", "refusal"),
    [
        ("ListUsers", "PaginationToken", "Invalid pagination token given."),
        ("ListUsersInGroup", "NextToken", "Invalid NextToken."),
    ],
)
async def test_a_page_that_was_not_named_by_us_is_refused(house, operation, token, refusal):
    group = {"GroupName": "staff"} if "Group" in operation else {}
    for bad in ("x", "!!!!", "_w==", "\u00e9", "====", "Zx=="):
        request = {"UserPoolId": house.pool_id, **group, token: bad}
        assert (await house.api.refused(operation, **request)).message == refusal


async def test_members_of_a_group_are_listed(house, api, settle):
    other = await settle(api)
    await other.add_user("stranger")
    for one, member in ((house, "ann"), (house, "dan"), (house, "eve"), (other, "stranger")):
        group = {"UserPoolId": one.pool_id, "GroupName": "staff"}
        if one is other:
            await api("CreateGroup", **group)
        await api("AdminAddUserToGroup", **group, Username=member)
    for limit in (1, 2, 60):
        found, pages = await listed(house, "ListUsersInGroup", GroupName="staff", Limit=limit)
        assert sorted(user["Username"] for user in found) == ["ann", "dan", "eve"]
        assert pages == -(-3 // limit)
    (disabled,) = [user for user in found if user["Username"] == "dan"]
    assert disabled["Enabled"] is False
    assert disabled["UserStatus"] == "CONFIRMED"


async def test_users_of_no_pool_and_members_of_no_group_are_refused(house):
    for operation, more in (
        ("ListUsers", {"UserPoolId": "us-east-1_none"}),
        ("ListUsersInGroup", {"UserPoolId": "us-east-1_none", "GroupName": "staff"}),
        ("ListUsersInGroup", {"UserPoolId": house.pool_id, "GroupName": "none"}),
    ):
        assert (await house.api.refused(operation, **more)).code == "ResourceNotFoundException"


async def test_a_list_of_many_users_keeps_few_of_them(start, settle, tmp_path, monkeypatch):
    path = str(tmp_path / "pool.db")
    house = await settle(await start(db=path))
    trace = StoredPassword(salt=b"\x01" * 16, verifier=b"\x02" * 384)

    def fill(connection, first, count):
        pool = find_pool(connection, house.pool_id)
        for number in range(first, first + count):
            attributes = {"name": f"n{number}", "nickname": "x" * 2000}
            user = User(
                sub=new_sub(),
                pool_id=pool.id,
                username=f"u{number}",
                status="CONFIRMED",
                attributes=attributes,
                password=trace,
                created_at=0,
                modified_at=0,
            )
            insert_user(connection, pool, user)

    monkeypatch.setattr(user_list, "_WINDOW", 100)
    peaks = []
    async with Database(path=path) as database:
        for first, count in ((0, 150), (150, 1050)):
            await database.write(fill, first, count)
            tracemalloc.start()
            assert await names(house, 'name ^= "x"') == []
            assert await names(house, 'name = "n149"') == ["u149"]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


async def test_others_are_served_during_a_search(house, monkeypatch):
    monkeypatch.setattr(user_list, "_WINDOW", 1)
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        request = {"UserPoolId": house.pool_id, "Filter": 'name = "nobody"'}
        assert json.dumps(await house.api("ListUsers", **request)) == '{"Users": []}'
        group.cancel_scope.cancel()
    assert turns > 5


async def test_a_group_is_changed_in_what_is_named(house, clock):
    one = {"UserPoolId": house.pool_id, "GroupName": "staff"}
    role = "arn:aws:iam::000000000000:role/staff"
    before = (await house.api("GetGroup", **one))["Group"]
    clock.now += 60
    changed = (await house.api("UpdateGroup", **one, Description="all", Precedence=0))["Group"]
    assert changed == {
        **before,
        "Description": "all",
        "Precedence": 0,
        "LastModifiedDate": clock.now,
    }
    again = (await house.api("UpdateGroup", **one, RoleArn=role))["Group"]
    assert again == {**changed, "RoleArn": role}
    assert (await house.api("GetGroup", **one))["Group"] == again
    for wrong in ({"GroupName": "none"}, {"UserPoolId": "us-east-1_none"}):
        refusal = await house.api.refused("UpdateGroup", **{**one, **wrong}, Precedence=1)
        assert refusal.code == "ResourceNotFoundException"
