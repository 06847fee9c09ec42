"""Which plugins may be used: versions of the interface, preferences, the allow-list, own names."""

import sys
import sysconfig
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from authflow import AuthClient, AuthConfig
from authflow.errors import (
    ConfigError,
    PluginConflictError,
    PluginLoadError,
    PluginNotFoundError,
)
from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginRegistry

CODE = """
class Half:
    name = "riddle"
    interface = {interface}
    async def answer(self, challenge, prompt): return ""
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution that brings the client challenge "riddle"."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), sysconfig.get_path("stdlib")])

    def make(distribution: str, *, interface: str = "1", name: str = "riddle") -> None:
        module = distribution.replace("-", "_").lower()
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(f"[{CLIENT_CHALLENGES}]\n{name} = {module}:Half\n")
        (tmp_path / f"{module}.py").write_text(CODE.format(interface=interface))

    yield make
    for module in [name for name in sys.modules if name.startswith(("acme_", "rival_"))]:
        del sys.modules[module]


def registry(**more: object) -> PluginRegistry:
    return PluginRegistry(CLIENT_CHALLENGES, **more)


@pytest.mark.parametrize(
    ("interface", "advice"),
    [
        ("3", "interface 3: upgrade cognito-authflow"),
        ("2", "has no method form and no read"),
        ("0", "interface 0 is not supported any more"),
        ("None", "write interface = 1"),
        ("'1'", "write interface = 1"),
        ("True", "write interface = 1"),
    ],
)
def test_a_plugin_of_another_interface_is_refused_by_name(install, interface, advice):
    install("acme-riddle", interface=interface)
    with pytest.raises(PluginLoadError, match=advice) as refused:
        registry().find("riddle")
    assert "acme-riddle 1.0" in str(refused.value)


def test_a_preference_settles_who_brings_a_name(install):
    install("acme-riddle")
    install("rival-riddle")
    with pytest.raises(PluginConflictError, match=r"prefer="):
        registry().find("riddle")
    found = registry(prefer={"riddle": "Rival_Riddle"}).find("riddle")
    assert found.__module__ == "rival_riddle"
    assert registry().distribution_of(found) == "rival-riddle 1.0"


def test_a_preference_for_who_does_not_bring_it_is_an_error_that_names_who_does(install):
    install("acme-riddle")
    with pytest.raises(PluginNotFoundError, match="only acme-riddle brings it"):
        registry(prefer={"riddle": "rival-riddle"}).find("riddle")


@pytest.mark.parametrize("prefer", [{"ridle": "acme-riddle"}, {"riddle": "rival-riddle"}])
def test_a_preference_that_cannot_be_met_is_refused_when_a_client_is_made(install, prefer):
    install("acme-riddle")
    config = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="abc")
    with pytest.raises(PluginNotFoundError, match="prefer="):
        AuthClient(config, prefer=prefer)
    AuthClient(config, prefer={"riddle": "acme-riddle"})


def test_preferences_are_names(install):
    with pytest.raises(ConfigError, match="prefer="):
        registry(prefer={"riddle": 1})
    with pytest.raises(ConfigError, match="prefer="):
        registry(prefer=["riddle"])


def test_only_allowed_distributions_bring_plugins(install, monkeypatch):
    install("acme-riddle")
    install("rival-riddle")
    monkeypatch.setenv("AUTHFLOW_PLUGINS", " Acme.Riddle ,other")
    assert registry().find("riddle").__module__ == "acme_riddle"
    statuses = {info.distribution: info.status for info in registry().listed()}
    assert statuses == {"acme-riddle": "ok", "rival-riddle": "not_allowed"}
    monkeypatch.setenv("AUTHFLOW_PLUGINS", "")
    with pytest.raises(PluginNotFoundError, match="AUTHFLOW_PLUGINS"):
        registry().find("riddle")


def test_what_is_registered_explicitly_needs_no_permission(monkeypatch):
    class Riddle:
        name = "riddle"

        async def answer(self, _challenge: object, _prompt: object) -> str:
            return ""

    monkeypatch.setenv("AUTHFLOW_PLUGINS", "")
    explicit = registry(explicit=(Riddle,))
    assert explicit.find("riddle") is Riddle
    assert explicit.distribution_of(Riddle) == Riddle.__module__


@pytest.mark.parametrize("name", ["choice", "condition", "skip"])
def test_a_name_of_authflows_own_cannot_be_claimed(install, name):
    install("acme-riddle", name=name)
    assert [info.status for info in registry().listed()] == ["bad_name"]
    with pytest.raises(PluginNotFoundError, match="authflow's own"):
        registry().find(name)

    class Own:
        async def answer(self, _challenge: object, _prompt: object) -> str:
            return ""

    Own.name = name
    with pytest.raises(ConfigError, match="authflow's own"):
        registry(explicit=(Own,))


def half(**members: object) -> type:
    def plain(self: object, *_told: object) -> None: ...

    async def awaited(self: object, *_told: object) -> None: ...

    async def streamed(self: object, *_told: object) -> AsyncIterator[None]:
        yield

    kinds = {"plain": plain, "awaited": awaited, "streamed": streamed}
    given = {name: kinds.get(str(member), member) for name, member in members.items()}
    return type("Half", (), {"name": "riddle", **given})


@pytest.mark.parametrize(
    ("members", "flaw"),
    [
        ({"interface": 2}, "no method form and no read"),
        ({"interface": 2, "answer": "awaited"}, "no method form and no read"),
        ({"interface": 2, "form": "plain"}, "no method read"),
        ({"interface": 2, "read": "plain"}, "no method form"),
        ({"interface": 2, "form": "plain", "read": 7}, "no method read"),
        ({"interface": 2, "form": "awaited", "read": "plain"}, "form must be written by `def`"),
        ({"interface": 2, "form": "plain", "read": "streamed"}, "read must be written by `def`"),
        ({"interface": 1, "form": "plain", "read": "plain"}, "write interface = 2"),
        ({"form": "plain", "read": "plain"}, "does not state its interface: write interface = 2"),
        ({"interface": 3, "answer": "awaited"}, "interface 3: upgrade"),
        ({"interface": 0, "answer": "awaited"}, "interface 0 is not supported"),
        ({"interface": "2", "answer": "awaited"}, "write interface = 1"),
        ({"interface": True, "answer": "awaited"}, "write interface = 1"),
    ],
)
def test_an_explicit_plugin_is_what_its_interface_says_or_refused(members, flaw):
    with pytest.raises(ConfigError, match=flaw):
        registry(explicit=(half(**members),), discover=False)


@pytest.mark.parametrize(
    "members",
    [
        {"answer": "awaited"},
        {"interface": 1, "answer": "awaited"},
        {"interface": 2, "form": "plain", "read": "plain"},
        {"interface": 2, "form": "plain", "read": "plain", "answer": "awaited"},
    ],
)
def test_plugins_of_both_interfaces_are_found(members):
    plugin = half(**members)
    assert registry(explicit=(plugin,), discover=False).find("riddle") is plugin


@pytest.mark.parametrize("interface", [1, 2])
def test_a_trigger_half_is_the_same_in_both_interfaces(interface):
    trigger = half(interface=interface, create="awaited", verify="awaited")
    assert PluginRegistry(TRIGGER_CHALLENGES, (trigger,), discover=False).find("riddle") is trigger
