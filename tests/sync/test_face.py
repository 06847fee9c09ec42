"""Every flow and every list, from synchronous code."""

import pytest

from authflow import AuthFlow, ChallengeRequired, MisuseError, SignedIn, UserNotFoundError, sync
from authflow.user_context import AdminContext

PASSWORD = "Correct-horse-1"


@pytest.fixture
def admin(pool, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    with sync.AdminClient(pool.config) as admin:
        yield admin


@pytest.mark.parametrize("flow", [AuthFlow.USER_SRP_AUTH, AuthFlow.USER_PASSWORD_AUTH])
def test_a_password_signs_in(auth, flow):
    result = auth.sign_in("ada", PASSWORD, flow=flow)
    assert isinstance(result, SignedIn)
    assert auth.user(result.tokens.access_token).username == "ada"
    again = auth.refresh(result.tokens.refresh_token)
    assert auth.verify(again) == again


def test_custom_challenges_sign_in_step_by_step(auth):
    pending = auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    assert isinstance(pending, ChallengeRequired)
    assert pending.challenge.kind == "word"
    assert isinstance(auth.answer(pending, "open sesame"), SignedIn)


def test_an_administrator_makes_lists_and_signs_in(admin, pool):
    for number in range(3):
        admin.create_user(f"user{number}", invite=False)
    listed = admin.users(matching='username ^= "user"', page=2)
    assert sorted(each.username for each in listed) == ["user0", "user1", "user2"]
    admin.create_group("staff")
    admin.add_to_group("user1", "staff")
    assert [each.username for each in admin.members_of("staff")] == ["user1"]
    assert [each.name for each in admin.groups()] == ["staff"]
    with pytest.raises(UserNotFoundError):
        admin.user("nobody")
    context = AdminContext(ip_address="192.0.2.1", server_name="a", server_path="/", headers={})
    assert isinstance(admin.sign_in("ada", PASSWORD, context=context), SignedIn)


def test_what_is_wrong_with_a_list_is_said_at_its_first_element(admin):
    listed = admin.users(page=1000)
    with pytest.raises(MisuseError, match="page"):
        next(listed)


def test_a_list_that_is_left_early_does_no_harm(admin):
    assert next(admin.users(page=1)) is not None
    assert admin.user("ada").username == "ada"


def test_help_shows_the_signature_and_what_is_raised(auth):
    shown = str(__import__("inspect").signature(sync.AuthClient.sign_in))
    assert shown.startswith("(self, username: str, password: ")
    assert "PasswordRequiredError" in (auth.sign_in.__doc__ or "")
