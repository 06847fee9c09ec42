"""The registry of plugins, against real `*.dist-info` folders on a sys.path of their own."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import (
    ConfigError,
    PluginConflictError,
    PluginLoadError,
    PluginNotFoundError,
)
from authflow.plugins import CLIENT_CHALLENGES, TRIGGER_CHALLENGES, PluginInfo, PluginRegistry

CLIENT_CODE = """
class Half:
    name = {name!r}
    interface = 1
    async def answer(self, challenge, prompt): return ""
"""
TRIGGER_CODE = """
class Half:
    name = {name!r}
    metadata = "M"
    interface = 1
    async def create(self, context): ...
    async def verify(self, context): return False
"""

Install = Callable[..., Path]


class Explicit:
    name = "riddle"

    async def answer(self, _challenge: object, _prompt: object) -> str:
        return ""


class OtherExplicit(Explicit):
    pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is all there is to import from, but for the standard library."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), sysconfig.get_path("stdlib")])
    yield folder
    for module in [name for name in sys.modules if name.startswith(("acme_", "rival_"))]:
        del sys.modules[module]


@pytest.fixture
def install(site: Path) -> Install:
    """Install a distribution as an installer would leave it."""

    def install(
        distribution: str,
        *,
        points: dict[str, str] | None = None,
        group: str = CLIENT_CHALLENGES,
        version: str = "1.0",
        code: dict[str, str] | None = None,
        folder: Path = site,
        raw: bytes | None = None,
    ) -> Path:
        info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = "".join(f"{name} = {value}\n" for name, value in (points or {}).items())
        (info / "entry_points.txt").write_bytes(raw or f"[{group}]\n{lines}".encode())
        for module, text in (code or {}).items():
            (folder / f"{module}.py").write_text(text)
        (info / "RECORD").write_text(f"{info.name}/METADATA,,\n")
        return info

    return install


def test_an_installed_plugin_is_found_and_is_the_class_of_its_entry_point(install: Install) -> None:
    install(
        "acme-riddle",
        points={"riddle": "acme_riddle:Half"},
        code={"acme_riddle": CLIENT_CODE.format(name="riddle")},
    )
    found = PluginRegistry(CLIENT_CHALLENGES).find("riddle")
    assert (found.__module__, found.__qualname__) == ("acme_riddle", "Half")


def test_the_two_sides_do_not_see_each_other(install: Install) -> None:
    install(
        "acme-riddle",
        group=TRIGGER_CHALLENGES,
        points={"riddle": "acme_riddle:Half"},
        code={"acme_riddle": TRIGGER_CODE.format(name="riddle")},
    )
    assert PluginRegistry(TRIGGER_CHALLENGES).find("riddle").metadata == "M"
    assert PluginRegistry(CLIENT_CHALLENGES).listed() == ()
    with pytest.raises(PluginNotFoundError):
        PluginRegistry(CLIENT_CHALLENGES).find("riddle")


def test_nothing_is_imported_before_its_first_use(install: Install) -> None:
    for name in ("first", "second"):
        install(
            f"acme-{name}",
            points={name: f"acme_{name}:Half"},
            code={f"acme_{name}": CLIENT_CODE.format(name=name)},
        )
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert [info.name for info in registry.listed()] == ["first", "second"]
    assert not {"acme_first", "acme_second"} & sys.modules.keys()
    registry.find("second")
    assert {"acme_first", "acme_second"} & sys.modules.keys() == {"acme_second"}


def test_metadata_is_read_once_per_registry(install: Install) -> None:
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert registry.listed() == ()
    install("acme-late", points={"late": "acme_late:Half"})
    assert registry.listed() == ()
    assert [info.name for info in PluginRegistry(CLIENT_CHALLENGES).listed()] == ["late"]


def test_no_metadata_is_read_before_the_first_question(install: Install) -> None:
    registry = PluginRegistry(CLIENT_CHALLENGES, [Explicit])
    assert registry.find("riddle") is Explicit
    install("acme-late", points={"late": "acme_late:Half"})
    assert [info.name for info in registry.listed()] == ["late"]


def test_what_is_registered_explicitly_wins_over_what_is_installed(install: Install) -> None:
    for distribution in ("acme-riddle", "rival-riddle"):
        install(distribution, points={"riddle": "nowhere:Half"})
    assert PluginRegistry(CLIENT_CHALLENGES, [Explicit]).find("riddle") is Explicit


def test_two_distributions_that_claim_one_name_are_an_error_that_names_both(
    install: Install,
) -> None:
    install("acme-riddle", points={"riddle": "acme_riddle:Half"}, version="1.2")
    install("rival-riddle", points={"riddle": "rival_riddle:Half"}, version="3.4")
    registry = PluginRegistry(CLIENT_CHALLENGES)
    with pytest.raises(PluginConflictError) as caught:
        registry.find("riddle")
    assert "acme-riddle 1.2 (acme_riddle:Half)" in caught.value.message
    assert "rival-riddle 3.4 (rival_riddle:Half)" in caught.value.message
    assert [info.status for info in registry.listed()] == ["conflict", "conflict"]


def test_a_conflict_harms_no_other_name(install: Install) -> None:
    install("acme-riddle", points={"riddle": "acme_riddle:Half", "puzzle": "acme_riddle:Half"})
    install("rival-riddle", points={"riddle": "rival_riddle:Half"})
    Path(sys.path[0], "acme_riddle.py").write_text(CLIENT_CODE.format(name="puzzle"))
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert registry.find("puzzle").name == "puzzle"
    assert [(info.name, info.status) for info in registry.listed()] == [
        ("puzzle", "ok"),
        ("riddle", "conflict"),
        ("riddle", "conflict"),
    ]


def test_one_distribution_that_claims_a_name_for_two_classes_conflicts_with_itself(
    install: Install,
) -> None:
    install(
        "acme-riddle", raw=f"[{CLIENT_CHALLENGES}]\nriddle = acme:One\nriddle = acme:Two\n".encode()
    )
    with pytest.raises(PluginConflictError, match=r"\(acme:One\).*\(acme:Two\)"):
        PluginRegistry(CLIENT_CHALLENGES).find("riddle")


def test_a_distribution_that_is_on_the_path_twice_claims_once_and_the_first_counts(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed = tmp_path / "shadowed"
    install("Acme.Riddle", points={"riddle": "acme_riddle:Half"}, version="2.0")
    install("acme-riddle", points={"riddle": "old:Half"}, version="1.0", folder=shadowed)
    monkeypatch.setattr(sys, "path", [*sys.path, str(shadowed)])
    assert PluginRegistry(CLIENT_CHALLENGES).listed() == (
        PluginInfo(
            name="riddle",
            side="client",
            distribution="Acme.Riddle",
            version="2.0",
            entry_point="acme_riddle:Half",
            status="ok",
        ),
    )


def test_a_shadowed_copy_of_a_distribution_that_dropped_its_plugin_is_not_seen(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed = tmp_path / "shadowed"
    install("acme-riddle", points={}, version="2.0")
    install("acme-riddle", points={"riddle": "old:Half"}, version="1.0", folder=shadowed)
    monkeypatch.setattr(sys, "path", [*sys.path, str(shadowed)])
    assert PluginRegistry(CLIENT_CHALLENGES).listed() == ()


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("captcha", "authflow-captcha"),
        ("turnstile", "authflow-captcha"),
        ("hcaptcha", "authflow-captcha"),
        ("recaptcha", "authflow-captcha"),
        ("otp", "authflow-otp"),
        ("totp", "authflow-otp"),
        ("hotp", "authflow-otp"),
        ("question", "authflow-question"),
    ],
)
@pytest.mark.parametrize("group", [CLIENT_CHALLENGES, TRIGGER_CHALLENGES])
def test_a_missing_plugin_of_ours_is_an_error_that_says_what_to_install(
    site: Path, group: str, name: str, distribution: str
) -> None:
    with pytest.raises(PluginNotFoundError, match=f"`pip install {distribution}`"):
        PluginRegistry(group).find(name)


def test_a_missing_plugin_of_others_is_not_blamed_on_a_distribution_of_ours(site: Path) -> None:
    with pytest.raises(PluginNotFoundError, match="install the distribution that brings it"):
        PluginRegistry(TRIGGER_CHALLENGES).find("riddle")


def test_without_discovery_only_what_is_registered_is_found(install: Install) -> None:
    install(
        "acme-puzzle",
        points={"puzzle": "acme_puzzle:Half"},
        code={"acme_puzzle": CLIENT_CODE.format(name="puzzle")},
    )
    registry = PluginRegistry(CLIENT_CHALLENGES, [Explicit], discover=False)
    assert registry.find("riddle") is Explicit
    with pytest.raises(PluginNotFoundError, match="discovery is off"):
        registry.find("puzzle")


@given(name=st.text(max_size=100))
def test_a_name_from_the_network_that_none_can_have_is_not_found_and_not_repeated(
    name: str,
) -> None:
    with pytest.raises(PluginNotFoundError) as caught:
        PluginRegistry(CLIENT_CHALLENGES).find(f"\x1b[{name}")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import a_module_that_is_nowhere", ModuleNotFoundError),
        ("def broken(:", SyntaxError),
        ("raise ValueError('no')", ValueError),
        ("raise SystemExit(3)", SystemExit),
        ("", AttributeError),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_an_error_that_names_its_distribution(
    install: Install, code: str, cause: type[BaseException]
) -> None:
    install(
        "acme-broken",
        version="0.3",
        points={"broken": "acme_broken:Half"},
        code={"acme_broken": code},
    )
    install(
        "acme-sound",
        points={"sound": "acme_sound:Half"},
        code={"acme_sound": CLIENT_CODE.format(name="sound")},
    )
    registry = PluginRegistry(CLIENT_CHALLENGES)
    with pytest.raises(PluginLoadError, match=r"acme-broken 0\.3 \(acme_broken:Half\)") as caught:
        registry.find("broken")
    assert isinstance(caught.value.__cause__, cause)
    assert registry.find("sound").name == "sound"
    assert all(info.status == "ok" for info in registry.listed())


def test_an_entry_point_that_is_no_reference_harms_no_other_plugin(install: Install) -> None:
    install("acme-broken", points={"broken": "not a reference!"})
    install(
        "acme-sound",
        points={"sound": "acme_sound:Half"},
        code={"acme_sound": CLIENT_CODE.format(name="sound")},
    )
    registry = PluginRegistry(CLIENT_CHALLENGES)
    # Which of the two depends on how strictly this Python reads metadata.
    with pytest.raises((PluginLoadError, PluginNotFoundError)):
        registry.find("broken")
    assert registry.find("sound").name == "sound"


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ("Half = 7", "must be a class"),
        ("def Half(): ...", "must be a class"),
        ("class Half: ...", "must have a `name`"),
        ("class Half: name = 7", "must have a `name`"),
        (CLIENT_CODE.format(name="other"), "calls itself 'other'"),
        ("class Half: name = 'riddle'", "no method answer"),
        ("class Half:\n    name = 'riddle'\n    answer = 'yes'", "no method answer"),
    ],
)
def test_an_object_that_is_no_plugin_is_refused_with_the_reason(
    install: Install, code: str, flaw: str
) -> None:
    install("acme-riddle", points={"riddle": "acme_riddle:Half"}, code={"acme_riddle": code})
    with pytest.raises(PluginLoadError, match=f"acme-riddle 1.0.*{flaw}"):
        PluginRegistry(CLIENT_CHALLENGES).find("riddle")


@pytest.mark.parametrize(
    ("group", "methods", "flaw"),
    [
        (CLIENT_CHALLENGES, "def answer(self, challenge, prompt): ...", "answer must be `async"),
        (
            TRIGGER_CHALLENGES,
            "def create(self, context): ...\n    async def verify(self, context): yield True",
            "create and verify must be `async def`, and have no `yield`",
        ),
    ],
)
def test_an_installed_half_that_is_not_async_cannot_be_used(
    install: Install, group: str, methods: str, flaw: str
) -> None:
    code = f"class Half:\n    name = 'riddle'\n    interface = 1\n    {methods}"
    install(
        "acme-riddle",
        group=group,
        points={"riddle": "acme_riddle:Half"},
        code={"acme_riddle": code},
    )
    with pytest.raises(PluginLoadError, match=f"acme-riddle 1.0.*{flaw}"):
        PluginRegistry(group).find("riddle")


def test_a_trigger_half_needs_both_its_methods(install: Install) -> None:
    code = "class Half:\n    name = 'riddle'\n    async def create(self, context): ..."
    install(
        "acme-riddle",
        group=TRIGGER_CHALLENGES,
        points={"riddle": "acme_riddle:Half"},
        code={"acme_riddle": code},
    )
    with pytest.raises(PluginLoadError, match="no method verify"):
        PluginRegistry(TRIGGER_CHALLENGES).find("riddle")


@pytest.mark.parametrize("name", ["Riddle", "r", "9lives", "a b", "x" * 33, "ríddle"])
def test_an_entry_point_with_an_odd_name_is_listed_as_such_and_never_found(
    install: Install, name: str
) -> None:
    install("acme-odd", raw=f"[{CLIENT_CHALLENGES}]\n{name} = acme_odd:Half\n".encode())
    install("rival-odd", raw=f"[{CLIENT_CHALLENGES}]\n{name} = acme_odd:Half\n".encode())
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert [(info.name, info.status) for info in registry.listed()] == [(name, "bad_name")] * 2
    with pytest.raises(PluginNotFoundError):
        registry.find(name)


@pytest.mark.parametrize(
    "raw", [f"[{CLIENT_CHALLENGES}]\nno equals sign\n".encode(), b"\xff\xfe\x00"]
)
def test_damaged_metadata_harms_no_other_plugin_and_is_named_when_one_is_missing(
    install: Install, site: Path, raw: bytes
) -> None:
    install("acme-damaged", raw=raw)
    install(
        "acme-riddle",
        points={"riddle": "acme_riddle:Half"},
        code={"acme_riddle": CLIENT_CODE.format(name="riddle")},
    )
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert registry.find("riddle").name == "riddle"
    with pytest.raises(PluginNotFoundError, match="Not readable") as caught:
        registry.find("puzzle")
    assert str(site) in caught.value.message


def test_a_distribution_that_lost_its_name_harms_no_other(install: Install) -> None:
    nameless = install("acme-nameless", points={"nameless": "nowhere:Half"})
    (nameless / "METADATA").unlink()
    install("acme-riddle", points={"riddle": "acme_riddle:Half"})
    registry = PluginRegistry(CLIENT_CHALLENGES)
    assert [info.name for info in registry.listed()] == ["riddle"]


def test_without_any_metadata_nothing_is_listed_and_explicit_plugins_work(site: Path) -> None:
    registry = PluginRegistry(CLIENT_CHALLENGES, [Explicit])
    assert registry.listed() == ()
    assert registry.find("riddle") is Explicit


def test_two_explicit_plugins_with_one_name_are_refused_by_name() -> None:
    with pytest.raises(PluginConflictError) as caught:
        PluginRegistry(CLIENT_CHALLENGES, [Explicit, OtherExplicit])
    assert f"{__name__}.Explicit" in caught.value.message
    assert f"{__name__}.OtherExplicit" in caught.value.message


def test_registering_one_class_twice_is_no_conflict() -> None:
    assert PluginRegistry(CLIENT_CHALLENGES, [Explicit, Explicit]).find("riddle") is Explicit


@pytest.mark.parametrize("plugin", [Explicit(), "riddle", object, None])
def test_what_is_no_plugin_cannot_be_registered(plugin: object) -> None:
    with pytest.raises(ConfigError, match="no client plugin can be registered"):
        PluginRegistry(CLIENT_CHALLENGES, [plugin])  # type: ignore[list-item]


def test_an_object_that_is_registered_for_its_class_is_not_shown() -> None:
    class Keyed(Explicit):
        def __repr__(self) -> str:
            return "Keyed(key='hunter2')"

    with pytest.raises(ConfigError) as caught:
        PluginRegistry(CLIENT_CHALLENGES, [Keyed()])  # type: ignore[list-item]
    assert "hunter2" not in str(caught.value)


def test_a_client_half_cannot_be_registered_as_a_trigger_half() -> None:
    with pytest.raises(ConfigError, match="no method create and no verify"):
        PluginRegistry(TRIGGER_CHALLENGES, [Explicit])


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ConfigError, match=CLIENT_CHALLENGES):
        PluginRegistry("authflow.stores")


def test_a_registry_is_a_value() -> None:
    registry = PluginRegistry(CLIENT_CHALLENGES, iter([Explicit]))
    assert registry == PluginRegistry(CLIENT_CHALLENGES, [Explicit])
    with pytest.raises(FrozenInstanceError):
        registry.discover = False  # type: ignore[misc]


def test_importing_the_registry_imports_no_face_of_authflow() -> None:
    code = (
        "import sys, authflow.plugins; "
        "print([m for m in sys.modules if m.startswith(('authflow.client', 'authflow.triggers',"
        " 'authflow.pool', 'aiobotocore', 'PIL'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"interface": 3}, "written for interface 3: upgrade cognito-authflow"),
        ({"interface": 99}, "written for interface 99: upgrade cognito-authflow"),
        ({"interface": 0}, "interface 0 is not supported any more"),
        ({"interface": 1}, "write interface = 2"),
        ({"interface": "2"}, "write interface = 2"),
        ({}, "write interface = 2"),
    ],
)
def test_a_half_with_forms_that_states_another_interface_is_told_which(stated, says) -> None:
    methods = {"form": lambda *_: None, "read": lambda *_: None}
    half = type("Half", (), {"name": "riddle", **methods, **stated})
    with pytest.raises(ConfigError, match=says):
        PluginRegistry(CLIENT_CHALLENGES, explicit=(half,))
