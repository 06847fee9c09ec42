import pytest


async def test_app_clients_are_listed_page_by_page(house, settle):
    pool = {"UserPoolId": house.pool_id}
    made = {house.client_id: "app"}
    for n in range(6):
        client = await house.api("CreateUserPoolClient", **pool, ClientName=f"c{n}")
        made[client["UserPoolClient"]["ClientId"]] = f"c{n}"
    await settle(house.api)  # another pool's client is not listed
    listed, token = {}, {}
    while True:
        page = await house.api("ListUserPoolClients", **pool, MaxResults=3, **token)
        assert len(page["UserPoolClients"]) <= 3
        for client in page["UserPoolClients"]:
            assert client.pop("UserPoolId") == house.pool_id
            listed[client.pop("ClientId")] = client.pop("ClientName")
            assert client == {}
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert listed == made
    assert len((await house.api("ListUserPoolClients", **pool))["UserPoolClients"]) == 7


@pytest.mark.parametrize("token", ["x", "\u00e9", "_w==", "****", "=", "Zw", "Zx=="])
async def test_an_invented_page_token_is_refused(house, token):
    request = {"UserPoolId": house.pool_id, "NextToken": token}
    refusal = await house.api.refused("ListUserPoolClients", **request)
    assert refusal.code == "InvalidParameterException"


async def test_of_a_pool_that_is_not_there_nothing_is_listed(api):
    refusal = await api.refused("ListUserPoolClients", UserPoolId="us-east-1_nobody")
    assert refusal.code == "ResourceNotFoundException"
