"""What is uploaded: every distribution is built here, as an index and its users would get it."""

import email
import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from trove_classifiers import classifiers

from authflow.cli.new_plugin import write_plugin

ROOT = Path(__file__).parents[2]
OURS = {"cognito-authflow": ROOT} | {
    f"authflow-{path.parent.name}": path.parent for path in ROOT.glob("plugins/*/pyproject.toml")
}
PLUGINS = {"captcha": "browser", "otp": "trigger", "question": "client"}
"""Each plugin, and a file of its tests that is quick and has asynchronous ones."""
BUILT = """
import os, sys
from hatchling.build import build_sdist, build_wheel
for folder, into in zip(sys.argv[1::2], sys.argv[2::2]):
    os.chdir(folder)
    build_sdist(into)
    build_wheel(into)
"""
STRAY = re.compile(
    r"(^|/)(\.git|__pycache__|node_modules|build|dist|\.venv[^/]*|\.[a-z]+_cache|\.hypothesis)(/|$)"
    r"|\.pyc$|\.egg-info|\.sqlite|\.coverage|(^|/)\.env"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders with what was built of each distribution, a new plugin's too."""
    base = tmp_path_factory.mktemp("dist")
    (base / "new").mkdir()
    write_plugin("pager", base / "new")
    folders = {**OURS, "authflow-pager": base / "new"}
    into = {name: base / name for name in folders}
    arguments = [str(part) for name, folder in folders.items() for part in (folder, into[name])]
    subprocess.run([sys.executable, "-c", BUILT, *arguments], check=True, capture_output=True)
    return into


def metadata(folder: Path) -> Message:
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def sdist(folder: Path) -> dict[str, bytes]:
    """The files of a source distribution, by their names below its only folder."""
    (file,) = folder.glob("*.tar.gz")
    top = file.name.removesuffix(".tar.gz") + "/"
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as archive:
        members = archive.getmembers()
        assert all(each.isfile() and each.name.startswith(top) for each in members)
        return {each.name.removeprefix(top): archive.extractfile(each).read() for each in members}


def test_each_says_what_it_is_and_where_its_source_is(built: dict[str, Path]):
    homes = set()
    for name, folder in built.items():
        told = metadata(folder)
        assert told["Name"] == name
        # Indexes and tools that are some years old refuse what is newer, or read it with holes.
        made = email.message_from_bytes(sdist(folder)["PKG-INFO"])["Metadata-Version"]
        assert told["Metadata-Version"] == made == "2.4"
        assert told["Requires-Python"] == ">=3.11"
        assert told["License-Expression"] == "MIT"
        urls = dict(each.split(", ", 1) for each in told.get_all("Project-URL", []))
        if name in OURS:
            assert {"Homepage", "Documentation", "Source", "Changelog", "Issues"} <= urls.keys()
            homes.add(urls["Homepage"])
            assert all(each.startswith(urls["Homepage"]) for each in urls.values())
        assert all(each.startswith("https://") for each in urls.values())
        assert urls
        said = set(told.get_all("Classifier", []))
        assert {"Framework :: AsyncIO", "Typing :: Typed"} <= said
        assert said <= classifiers, "an index refuses others"
    assert len(homes) == 1


def test_no_more_is_claimed_than_is_shown(built: dict[str, Path]):
    for name in OURS:
        said = metadata(built[name]).get_all("Classifier")
        systems = [each for each in said if each.startswith("Operating System")]
        assert systems == ["Operating System :: POSIX :: Linux"]
        versions = {each.rpartition(" ")[2] for each in said if ":: Python :: 3." in each}
        assert versions == {"3.11", "3.12", "3.13", "3.14"}


def test_a_wheel_has_its_package_alone_with_its_types(built: dict[str, Path]):
    tops = {"cognito-authflow": {"authflow", "cognito_authflow"}}
    for name, folder in built.items():
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            files = archive.namelist()
        packages = {each.split("/")[0] for each in files if ".dist-info" not in each}
        assert packages == tops.get(name, {name.replace("-", "_")})
        assert {f"{each}/py.typed" for each in packages} <= set(files)
        assert not [each for each in files if STRAY.search(each)]
        assert any(each.endswith("/licenses/LICENSE") for each in files)


def test_the_command_of_the_wheel_is_there(built: dict[str, Path]):
    (wheel,) = built["cognito-authflow"].glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("entry_points.txt"))
        assert b"authflow = cognito_authflow:main" in archive.read(name)
        templates = [each for each in archive.namelist() if "/plugin_template/" in each]
    assert len(templates) == len([*(ROOT / "authflow/cli/plugin_template").glob("*.tmpl")])


def in_repository() -> set[str]:
    """The files that belong to the project: what git knows, or what is unpacked."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: there is nothing to compare with")
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    return {each for each in listed.splitlines() if (ROOT / each).exists()}


def test_a_source_distribution_has_all_of_the_project_and_nothing_else(built: dict[str, Path]):
    ours = in_repository()
    assert sdist(built["cognito-authflow"]).keys() == ours | {"PKG-INFO"}
    shared = {"PKG-INFO", "conftest.py", *(each for each in ours if each.startswith("testbed/"))}
    for plugin in PLUGINS:
        prefix = f"plugins/{plugin}/"
        own = {each.removeprefix(prefix) for each in ours if each.startswith(prefix)}
        # What a build tool ignores it adds itself.
        assert sdist(built[f"authflow-{plugin}"]).keys() - {".gitignore"} == own | shared


def test_no_file_of_a_distribution_knows_where_it_was_made(built: dict[str, Path]):
    here = {os.fsencode(ROOT), os.fsencode(Path.home() / ".cache")}
    for folder in built.values():
        for name, content in sdist(folder).items():
            assert not STRAY.search(name), name
            assert not [each for each in here if each in content], name


def unpack(folder: Path, into: Path) -> None:
    for name, content in sdist(folder).items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(content)


def test_tests_run_from_an_unpacked_source_distribution(built: dict[str, Path], tmp_path: Path):
    unpack(built["cognito-authflow"], tmp_path)
    (tmp_path / "tests" / "test_where.py").write_text(
        f"import authflow\ndef test_it(): assert authflow.__file__.startswith({str(tmp_path)!r})\n"
    )
    chosen = [f"tests/test_{name}.py" for name in ("where", "string_map", "secret")]
    done = subprocess.run(
        # Without conftest.py, which starts servers: this is about what is in the archive.
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *chosen],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    for name in project["tool"]["pytest"]["testpaths"]:
        assert (tmp_path / name).is_dir()


def test_the_tests_of_each_plugin_run_from_its_own_unpacked_source_distribution(
    built: dict[str, Path], tmp_path: Path
):
    chosen = []
    for plugin, name in PLUGINS.items():
        unpack(built[f"authflow-{plugin}"], tmp_path / plugin)
        chosen.append(f"{plugin}/tests/test_{name}.py")
    done = subprocess.run(
        # One process for all: each has the settings and fixtures of its own folder alone.
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--import-mode=importlib", *chosen),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(tmp_path / each) for each in PLUGINS)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
