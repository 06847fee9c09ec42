"""The LDAP directory against a real OpenLDAP server; the servers that never answer are sockets."""

import logging
import shutil
import socket
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import frozen

from authflow.errors import (
    BadCredentialsError,
    ConfigError,
    DirectoryError,
    DirectoryRecordError,
    DirectoryUnavailableError,
    MisuseError,
)
from authflow.secret import Secret
from authflow.triggers import (
    Found,
    MigratedUser,
    Triggers,
    UnknownUser,
    WrongPassword,
    migrating,
)
from testbed.certificate import self_signed
from testbed.pages import examples

pytest.importorskip(
    "bonsai", reason="bonsai is not installed: it is the extra `ldap`", exc_type=ImportError
)

from authflow.triggers.directories import ldap_worker
from authflow.triggers.directories.ldap_directory import LdapDirectory

LoadEvent = Callable[..., dict[str, Any]]

SERVICE = "cn=service,dc=example,dc=org"
PEOPLE = "ou=people,dc=example,dc=org"
ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
TLSVerifyClient never
database mdb
suffix "dc=example,dc=org"
directory {folder}/db
overlay ppolicy
ppolicy_default "cn=default,dc=example,dc=org"
ppolicy_use_lockout
access to attrs=description by dn.exact="cn=service,dc=example,dc=org" search by * none
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=service,dc=example,dc=org" read by * none
"""

TREE = """
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=default,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 1000
pwdMustChange: TRUE

dn: cn=strict,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdMaxAge: 1

dn: cn=service,dc=example,dc=org
objectClass: device
objectClass: simpleSecurityObject
cn: service
userPassword: canary-service

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=machines,dc=example,dc=org
objectClass: organizationalUnit
ou: machines

dn: uid=printer,ou=machines,dc=example,dc=org
objectClass: account
objectClass: simpleSecurityObject
uid: printer
userPassword: paper
"""

PERSON = """
dn: {dn}
objectClass: inetOrgPerson
cn: {cn}
sn: Somebody
uid: {uid}
mail: {uid}@example.com
userPassword: {password}
{more}
"""


def person(
    uid: str, more: str = "", *, dn: str = "", cn: str = "N", password: str = "right"
) -> str:
    text = PERSON.format(
        dn=dn or f"uid={uid},{PEOPLE}", cn=cn, uid=uid, password=password, more=more
    )
    return "\n".join(line for line in text.splitlines() if line)


ENTRIES = [
    person(
        "ada",
        "employeeNumber: 007\ntelephoneNumber: TRUE\ndescription: secret note",
        cn="Ada Lovelace",
    ),
    person("comma", dn=rf"cn=Hopper\, Grace \+ Co,{PEOPLE}", cn="Hopper, Grace + Co"),
    person("twin", dn=f"cn=first,{PEOPLE}", cn="first"),
    person("twin", dn=f"cn=second,{PEOPLE}", cn="second"),
    person("locked", "pwdAccountLockedTime: 000001010000Z"),
    person("reset", "pwdReset: TRUE"),
    person(
        "expired",
        "pwdChangedTime: 20200101000000Z\npwdPolicySubentry: cn=strict,dc=example,dc=org",
    ),
    person("star*", password="of stars"),
    person("umlaut", password="pässwörd"),
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@frozen
class Slapd:
    folder: Path
    ldap: str
    ldaps: str

    def directory(self, **settings: Any) -> LdapDirectory:
        return LdapDirectory(
            **{
                "url": self.ldap,
                "ca_file": self.folder / "cert.pem",
                "bind_dn": SERVICE,
                "bind_password": "canary-service",
                "base": "dc=example,dc=org",
                "attributes": {"email": "mail", "name": "cn"},
                **settings,
            }
        )


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "db").mkdir()
    self_signed(folder)
    (folder / "slapd.conf").write_text(CONF.format(folder=folder))
    (folder / "tree.ldif").write_text(TREE + "\n" + "\n\n".join(ENTRIES) + "\n")
    configured = ["-f", str(folder / "slapd.conf")]
    program = shutil.which("slapd") or ""
    subprocess.run(
        [program, "-T", "add", *configured, "-l", str(folder / "tree.ldif")],
        check=True,
        capture_output=True,
    )
    ldap, ldaps = (f"{scheme}://127.0.0.1:{free_port()}" for scheme in ("ldap", "ldaps"))
    with subprocess.Popen(
        [program, *configured, "-h", f"{ldap} {ldaps}", "-d", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            for url in (ldap, ldaps):
                wait_for(int(url.rpartition(":")[2]))
            yield Slapd(folder, ldap, ldaps)
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("slapd does not listen")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


pytestmark = pytest.mark.system("slapd", "/etc/ldap/schema/inetorgperson.schema")


@pytest.mark.parametrize("way", ["ldaps", "start_tls", "plain"])
async def test_the_right_password_finds_the_user(slapd: Slapd, way: str):
    settings: dict[str, Any] = {
        "ldaps": {"url": slapd.ldaps},
        "start_tls": {},
        "plain": {"start_tls": False, "ca_file": None},
    }[way]
    directory = slapd.directory(**settings)
    assert await directory.authenticate("ada", Secret("right")) == Found(
        MigratedUser(attributes=ADA)
    )
    assert await directory.authenticate("ada", Secret("wrong")) == WrongPassword()
    assert await directory.look_up("ada") == Found(MigratedUser(attributes=ADA))


async def test_a_name_that_needs_escapes_in_its_dn_is_bound_as_it_is(slapd: Slapd):
    directory = slapd.directory()
    found = await directory.authenticate("comma", Secret("right"))
    assert isinstance(found, Found)
    assert found.user.attributes["name"] == "Hopper, Grace + Co"
    assert await directory.authenticate("comma", Secret("x")) == WrongPassword()


async def test_passwords_beyond_ascii_are_sent_as_utf_8(slapd: Slapd):
    found = await slapd.directory().authenticate("umlaut", Secret("pässwörd"))
    assert isinstance(found, Found)


NOBODY = [
    "nobody",
    "*",
    "a*",
    "ad*)(uid=*",
    "ada)(objectClass=*",
    "*)(uid=*))(|(uid=*",
    "ada)(cn=*))\0(",
    r"\61da",
    r"ada\2a",
    "ada ",
    " ada",
    "\uff41da",
    "",
    "\0",
    "\ud800",
    "x" * 4000,
    "printer",
]


async def test_a_name_is_a_name_whatever_is_in_it(slapd: Slapd):
    directory = slapd.directory()
    for username in NOBODY:
        assert await directory.look_up(username) == UnknownUser(), username
        for password in ("right", "paper", "of stars"):
            outcome = await directory.authenticate(username, Secret(password))
            assert outcome == UnknownUser(), username


async def test_a_star_in_a_name_stands_for_itself(slapd: Slapd):
    directory = slapd.directory()
    found = await directory.authenticate("star*", Secret("of stars"))
    assert isinstance(found, Found)
    assert found.user.attributes["email"] == "star*@example.com"


async def test_capitals_do_not_matter(slapd: Slapd):
    assert isinstance(await slapd.directory().authenticate("ADA", Secret("right")), Found)


@pytest.mark.parametrize("username", ["ada", "nobody"])
@pytest.mark.parametrize("password", ["", "\0", "right\0", "\ud800"])
async def test_an_empty_or_broken_password_is_sent_to_no_server(
    slapd: Slapd, username: str, password: str
):
    nowhere = slapd.directory(url=f"ldap://127.0.0.1:{free_port()}")
    assert await nowhere.authenticate(username, Secret(password)) == WrongPassword()


def test_the_server_itself_takes_a_bind_without_a_password(slapd: Slapd):
    """It is why the directory must not: to the server it is nobody, and so it succeeds."""
    client = ldap_worker.bonsai.LDAPClient(slapd.ldap)
    client.set_credentials("SIMPLE", user="", password="")
    client.connect(timeout=5).close()


@pytest.mark.parametrize(
    ("username", "reason"),
    [("locked", "locked"), ("expired", "expired"), ("reset", "must be changed")],
)
async def test_the_servers_own_rules_for_accounts_hold(
    slapd: Slapd, username: str, reason: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    directory = slapd.directory()
    assert await directory.authenticate(username, Secret("right")) == WrongPassword()
    assert reason in caplog.text
    assert username not in caplog.text.replace(reason, "")


async def test_a_locked_user_is_not_brought_in_by_a_forgotten_password(slapd: Slapd):
    assert await slapd.directory().look_up("locked") == UnknownUser()


@pytest.mark.parametrize(
    ("values", "locked"),
    [
        ({}, False),
        ({"useraccountcontrol": [b"512"]}, False),
        ({"useraccountcontrol": [b"514"]}, True),
        ({"useraccountcontrol": [b"?"]}, True),
        ({"nsaccountlock": [b"TRUE"]}, True),
        ({"nsaccountlock": [b"false"]}, False),
        ({"pwdaccountlockedtime": [b"20260101000000Z"]}, True),
    ],
)
def test_the_locks_of_other_servers_are_known(values: dict[str, list[bytes]], locked: bool):
    assert bool(ldap_worker._locked(values)) is locked


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("52e", "LDAP result 49"),
        ("532", "the password has expired"),
        ("533", "the account is disabled"),
        ("701", "the account has expired"),
        ("773", "the password must be changed first"),
        ("775", "the account is locked"),
    ],
)
def test_active_directorys_reasons_are_told_to_the_owner(data: str, reason: str):
    said = (
        f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1"
    )
    error = ldap_worker.bonsai.AuthenticationError(f"Invalid credentials. ({said})")
    assert ldap_worker._reason(error) == reason


async def test_a_name_of_several_entries_fails_closed(slapd: Slapd):
    directory = slapd.directory()
    with pytest.raises(DirectoryRecordError, match="several"):
        await directory.authenticate("twin", Secret("right"))
    with pytest.raises(DirectoryRecordError, match="several"):
        await directory.look_up("twin")


def test_an_unknown_user_costs_a_bind_as_well(slapd: Slapd, monkeypatch: pytest.MonkeyPatch):
    bound = []
    connect = ldap_worker._connect

    def watched(server: Any, dn: str, password: str, **more: Any) -> Any:
        bound.append((dn, password))
        return connect(server, dn, password, **more)

    monkeypatch.setattr(ldap_worker, "_connect", watched)
    server = slapd.directory()._server()
    for username in ("ada", "nobody"):
        ldap_worker.ask(server, username, "canary-wrong")
    (_, ada, _, nobody) = bound
    assert ada == (f"uid=ada,{PEOPLE}", "canary-wrong")
    assert nobody[0].endswith(",dc=example,dc=org")
    assert "canary-wrong" not in nobody


async def test_values_are_taken_as_they_are_and_none_is_made_up(slapd: Slapd):
    directory = slapd.directory(
        attributes={"custom:number": "employeeNumber", "nickname": "displayName"},
        defaults=MigratedUser(attributes={"email_verified": "true"}, force_alias_creation=True),
    )
    found = await directory.look_up("ada")
    assert found.user == MigratedUser(
        attributes={"email_verified": "true", "custom:number": "007"}, force_alias_creation=True
    )


async def test_a_flag_of_the_server_is_read_as_one(slapd: Slapd):
    directory = slapd.directory(attributes={"email": "mail", "email_verified": "telephoneNumber"})
    assert (await directory.look_up("ada")).user.attributes["email_verified"] == "true"
    with pytest.raises(DirectoryRecordError, match="email_verified"):
        await slapd.directory(attributes={"email_verified": "employeeNumber"}).look_up("ada")


async def test_names_that_the_service_account_may_not_read_are_a_mistake_of_the_setup(slapd: Slapd):
    with pytest.raises(DirectoryError, match="may not read"):
        await slapd.directory(username_attribute="description").look_up("secret note")


async def test_a_filter_leaves_users_out(slapd: Slapd):
    directory = slapd.directory(filter="(!(uid=ada))")
    assert await directory.authenticate("ada", Secret("right")) == UnknownUser()
    assert isinstance(await directory.authenticate("umlaut", Secret("pässwörd")), Found)


@pytest.mark.parametrize(
    "settings",
    [
        {"bind_password": "canary-wrong"},
        {"bind_dn": "cn=nobody,dc=example,dc=org"},
    ],
)
async def test_a_wrong_service_account_fails_for_everybody(slapd: Slapd, settings: dict[str, Any]):
    directory = slapd.directory(**settings)
    for username in ("ada", "nobody"):
        with pytest.raises(DirectoryError, match="service account") as caught:
            await directory.authenticate(username, Secret("right"))
        assert type(caught.value) is DirectoryError


async def test_a_server_with_a_foreign_certificate_is_sent_no_password(
    slapd: Slapd, tmp_path: Path
):
    self_signed(tmp_path)
    for url in (slapd.ldap, slapd.ldaps):
        directory = slapd.directory(url=url, ca_file=tmp_path / "cert.pem")
        with pytest.raises(DirectoryUnavailableError, match="certificate"):
            await directory.authenticate("ada", Secret("right"))


async def test_a_server_that_is_not_there_is_unavailable(slapd: Slapd):
    directory = slapd.directory(url=f"ldap://127.0.0.1:{free_port()}")
    with pytest.raises(DirectoryUnavailableError):
        await directory.authenticate("ada", Secret("right"))
    with pytest.raises(DirectoryUnavailableError):
        await directory.look_up("ada")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
async def test_a_server_that_never_answers_holds_nobody_up(
    slapd: Slapd, silent: int, scheme: str, load_event: LoadEvent
):
    directory = slapd.directory(url=f"{scheme}://127.0.0.1:{silent}")
    triggers = Triggers(directory=migrating(directory, timeout=0.5))
    ticks = 0
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await anyio.sleep(0.01)
                    ticks += 1

            tasks.start_soon(tick)
            with pytest.raises(DirectoryUnavailableError):
                await triggers.handle(load_event("migration_authentication"))
            tasks.cancel_scope.cancel()
    assert ticks > 5


@pytest.mark.both_loops
async def test_many_ask_at_a_time(slapd: Slapd):
    directory = slapd.directory()
    outcomes = []

    async def ask(password: str) -> None:
        outcomes.append((password, await directory.authenticate("ada", Secret(password))))

    async with anyio.create_task_group() as tasks:
        for password in ("right", "wrong") * 4:
            tasks.start_soon(ask, password)
    assert len(outcomes) == 8
    assert all(isinstance(got, Found) == (password == "right") for password, got in outcomes)


def test_users_migrate_through_the_lambda_handler_call_after_call(
    slapd: Slapd, load_event: LoadEvent
):
    handler = Triggers(directory=slapd.directory()).lambda_handler
    for _ in range(2):  # a warm Lambda: the same directory
        event = load_event("migration_authentication", password="right")
        assert handler(event, None)["response"]["userAttributes"] == ADA
        with pytest.raises(BadCredentialsError, match=r"^Bad username or password$"):
            handler(load_event("migration_authentication", password="wrong"), None)
    found = handler(load_event("migration_forgot_password"), None)
    assert found["response"]["userAttributes"] == ADA


async def test_the_example_of_the_guide_moves_a_user(
    slapd: Slapd, load_event: LoadEvent, monkeypatch: pytest.MonkeyPatch
):
    page = "docs/guides/migrate-users.md"
    example = examples(page, "Django", "LDAP", "anything else")["LDAP"]
    monkeypatch.setenv("LDAP_PASSWORD", "canary-service")
    ours = f"{slapd.ldaps!r}, ca_file={str(slapd.folder / 'cert.pem')!r}"
    namespace: dict[str, Any] = {}
    exec(example.replace('"ldaps://ldap.example.org"', ours), namespace)  # noqa: S102  # our own page
    event = load_event("migration_authentication", password="right")
    given = await namespace["triggers"].handle(event)
    assert given["response"]["userAttributes"] == ADA


async def test_no_output_shows_what_was_typed(
    slapd: Slapd, silent: int, load_event: LoadEvent, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    shown = []
    for settings in (
        {},
        {"base": "dc=example,dc=com"},
        {"url": f"ldap://127.0.0.1:{silent}"},
        {"bind_password": "canary-other"},
    ):
        directory = slapd.directory(**settings)
        shown.append(repr(directory))
        event = load_event("migration_authentication", password="canary-password")
        event["userName"] = "canary-user"
        with pytest.raises((BadCredentialsError, DirectoryError)) as caught:
            await Triggers(directory=migrating(directory, timeout=0.3)).handle(event)
        shown += traceback.format_exception(caught.value)
        shown.append(str(caught.getrepr(style="value")))
    assert "canary" not in "".join([*shown, caplog.text])
    assert "canary" not in repr(slapd.directory()._server())


GOOD = {
    "url": "ldaps://ldap.example.com",
    "bind_dn": SERVICE,
    "bind_password": "canary-service",
    "base": PEOPLE,
    "attributes": {"email": "mail"},
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "ldap://ldap.example.com"},
        {"url": "ldap://localhost:389", "start_tls": False},
        {"url": "ldap://[::1]/", "start_tls": False},
        {"url": "ldap://10.0.0.1", "start_tls": False, "allow_plaintext": True},
        {"filter": "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"},
        {"username_attribute": "2.5.4.3"},
    ],
)
def test_settings_that_make_sense_are_taken(settings: dict[str, Any]):
    LdapDirectory(**{**GOOD, **settings})


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"url": "ldap://10.0.0.1", "start_tls": False}, "in clear"),
        *(
            ({"attributes": {"email": "mail", name: "uid"}}, f"'{name}' itself")
            for name in ("sub", "SUB", "identities", "cognito:groups", "COGNITO:x")
        ),
        *(
            ({"attributes": {"email": "mail", name: "uid"}}, "no user can have the attribute")
            for name in ("", "x" * 33, "e-mail", "\uff53ub", "custom:" + "x" * 21, "email\u200b")
        ),
        ({"defaults": MigratedUser(attributes={"company": "x"})}, "no user can have"),
        ({"defaults": MigratedUser(attributes={"sub": "7"})}, "'sub' itself"),
        *(({"longest_password": size}, "longest_password") for size in (0, -1, True, 8.0, "8")),
        ({"url": "http://ldap.example.com"}, "URL"),
        ({"url": "ldapi:///"}, "URL"),
        ({"url": "ldaps://"}, "URL"),
        ({"url": "ldaps://host:port"}, "URL"),
        ({"url": "ldaps://host/dc=example"}, "URL"),
        ({"url": "ldaps://host?x"}, "URL"),
        ({"url": "ldaps://me:canary@host"}, "URL"),
        ({"url": None}, "URL"),
        ({"bind_password": ""}, "password"),
        ({"bind_password": None}, "password"),
        ({"bind_password": b"canary"}, "password"),
        ({"bind_dn": "service"}, "distinguished"),
        ({"bind_dn": ""}, "distinguished"),
        ({"base": None}, "distinguished"),
        ({"username_attribute": "uid=*)(x"}, "attribute"),
        ({"attributes": {}}, "attribute"),
        ({"attributes": {"email": "ma il"}}, "attribute"),
        ({"filter": ""}, "filter"),
        ({"filter": None}, "filter"),
        ({"filter": "objectClass=*"}, "filter"),
        ({"filter": "(a=b)(c=d)"}, "filter"),
        ({"filter": "(a=b))(c=d"}, "filter"),
        ({"filter": ")("}, "filter"),
        ({"processes": 0}, "process"),
        ({"processes": True}, "process"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings: dict[str, Any], match: str):
    with pytest.raises(MisuseError, match=match) as caught:
        LdapDirectory(**{**GOOD, **settings})
    assert isinstance(caught.value, ConfigError)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("typed", "sent"), [("x" * 8, True), ("x" * 9, False), ("é" * 5, False)])
async def test_a_password_that_the_server_would_not_read_whole_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, typed: str, sent: bool
):
    asked: list[Any] = []

    async def ask(self: LdapDirectory, username: str, password: Any) -> Any:
        asked.append(username)
        return UnknownUser()

    monkeypatch.setattr(LdapDirectory, "_ask", ask)
    directory = LdapDirectory(**GOOD, longest_password=8)
    outcome = await directory.authenticate("ada", Secret(typed))
    assert outcome == (UnknownUser() if sent else WrongPassword())
    assert asked == (["ada"] if sent else [])


def test_one_directory_is_asked_from_one_event_loop_after_another(slapd: Slapd):
    directory = slapd.directory()
    for _ in range(2):
        found = anyio.run(directory.authenticate, "ada", Secret("right"))
        assert isinstance(found, Found)
