"""The benchmark runs and measures; what it measures is nobody's business here."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from attrs import evolve
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from jwt import PyJWTError

from authflow.errors import TokenError
from authflow.pool import PoolServer
from authflow.pool.accounts import user_list
from authflow.pool.imports import csv_file, uploads
from authflow.pool.store import database
from authflow.triggers import Policy, Triggers, challenge, password, sequence
from benchmarks import existence, many_users, sign_in, tickets, verify
from benchmarks import triggers as trigger_benchmark
from benchmarks.measured_client import authflow
from benchmarks.word_triggers import triggers

ROOT = Path(__file__).parents[1]


def test_the_sign_in_benchmark_measures_every_client_and_writes_table_and_json(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.sign_in", "--rounds", "1"]
    command += ["--concurrent", "2", "--sign-ins", "4", "--json", str(path)]
    command += ["--only", "authflow", "pycognito"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(path.read_text())["rows"]
    assert [row["client"] for row in rows] == ["authflow", "pycognito"]
    for row in rows:
        assert row["concurrency"] == 2
        assert row["per_second"] > 0
        assert row["client_cpu_ms"] > 0
        assert f"| {row['client']} | 2 |" in done.stdout


@pytest.fixture(scope="module")
async def measured_pool():
    """A pool in this process, with what the benchmark of sign-ins sets up."""
    async with PoolServer(triggers=triggers) as server:
        task = await to_thread.run_sync(sign_in.set_up, server.endpoint)
        yield {**task, "server_pid": os.getpid(), "verify_tokens": True}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.mark.parametrize("client", ["authflow, tokens unverified", *sign_in.OTHERS])
async def test_the_sign_in_benchmark_measures_the_other_ways_too(measured_pool, client):
    task, way = measured_pool, sign_in.OTHERS.get(client, "USER_SRP_AUTH")
    task = {**task, "verify_tokens": client in sign_in.OTHERS}
    if way == "TOTP":
        task = await to_thread.run_sync(sign_in.with_authenticators, task, 7)
    if way == "device":
        task = await to_thread.run_sync(sign_in.with_devices, task)
        task["usernames"] = task["usernames"][:2]
    told = await authflow({**task, "way": way, "concurrency": 2, "sign_ins": 4})
    assert told["sign_ins"] == 4
    assert told["per_second"] > 0
    row = {"client": client, "concurrency": 2, **told}
    assert f"| {client} | 2 |" in sign_in.table([row])


def test_the_flood_benchmark_measures_who_is_honest_beside_who_floods(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.flood", "--only", "elsewhere, one name"]
    command += ["--seconds", "0.2", "--connections", "5", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())
    assert figures["capacity"] > 0
    (row,) = figures["rows"]
    assert row["sign_ins"] + row["failed"] > 0
    assert row["served"] > 0
    assert f"| {row['flood']} | {row['sign_ins']} |" in done.stdout


@pytest.mark.system("redis-server")
def test_the_quota_storm_measures_what_became_of_the_sign_ins(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.quota_storm", "--only", "1 process, paced"]
    command += ["--sign-ins", "20", "--per-second", "100", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(path.read_text())["rows"]
    assert (row["signed_in"], row["failed"]) == (20, 0)
    assert row["requests"] == 40 + row["throttled"]
    assert f"| {row['storm']} | 20 | 0 | {row['requests']} |" in done.stdout


def test_the_trigger_benchmark_measures_imports_and_events_and_writes_tables_and_json(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "figures.json"
    # What each of the other programs does is seen below, where none has a process of its own.
    kept = ("nothing", "import attrs", "import authflow.triggers", trigger_benchmark.COLD)
    programs = {name: trigger_benchmark.PROGRAMS[name] for name in kept}
    monkeypatch.setattr(trigger_benchmark, "PROGRAMS", programs)
    options = ["--rounds", "1", "--calls", "3", "--json", str(path)]
    monkeypatch.setattr("sys.argv", ["triggers", *options])
    trigger_benchmark.main()
    printed, figures = capsys.readouterr().out, json.loads(path.read_text())
    assert [row["program"] for row in figures["imports"]] == [
        *(*kept[1:], trigger_benchmark.NO_BYTECODE),
    ]
    for row in figures["imports"]:
        assert f"| {row['program']} |" in printed
    assert [row["event"].partition(",")[0] for row in figures["events"]] == [
        *("Define", "Define", "Create", "Verify"),
    ]
    for row in figures["events"]:
        assert min(row["handle_us"], row["work_us"], row["by_hand_us"], row["json_us"]) > 0
        assert row["lambda_us"] > 0
        assert f"| {row['event']} |" in printed


def test_every_program_of_the_trigger_benchmark_runs():
    programs = "\n".join(f"exec({each!r}, {{}})" for each in trigger_benchmark.PROGRAMS.values())
    done = subprocess.run(
        [sys.executable, "-c", programs], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_verification_benchmark_measures_all_who_verify_and_writes_table_and_json(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.verify", "--tokens", "20", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())
    assert figures["tokens"] == 20
    assert [row["verifier"].partition(",")[0] for row in figures["rows"]] == [
        *("joserfc by hand", "PyJWT by hand", *["TokenVerifier"] * 3),
    ]
    for row in figures["rows"]:
        assert min(row["us"], row["fastest"], row["ratio"]) > 0
        assert f"| {row['verifier']} | {row['us']} |" in done.stdout


async def test_all_who_verify_in_the_benchmark_believe_and_refuse_the_same():
    key = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    good = {"key": key, "number": 1, "now": int(time.time())}
    bad = [
        verify.issued(**good | {"now": 1}),
        verify.issued(**good)[:-9] + "AAAAAAAAA",
        verify.issued(**good | {"key": RSAKey.generate_key(2048, {"kid": "k1"})}),
    ]
    for name, verified in verify.verifiers(key).items():
        assert await verified(verify.issued(**good)), name
        for token in bad:
            with pytest.raises((JoseError, PyJWTError, TokenError)):
                await verified(token)


def test_what_is_written_by_hand_beside_the_triggers_decides_the_same():
    benchmark = trigger_benchmark
    policy = Policy(sequence(password(), *[challenge("quiz")] * benchmark.CHALLENGES))
    served = benchmark.served_by(Triggers(policy=policy, challenges=[benchmark.Quiz]), policy)
    for each in served.values():
        raw = each.raw
        ours = anyio.run(Triggers(policy=policy, challenges=[benchmark.Quiz]).handle, raw)
        by_hand = benchmark.written_by_hand({**raw, "response": {}})
        for name in ("issueTokens", "failAuthentication", "challengeName", "answerCorrect"):
            assert by_hand["response"].get(name) == ours["response"].get(name)


def test_the_existence_benchmark_times_every_operation_and_writes_table_and_json(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.existence", "--samples", "3"]
    command += ["--planted", "0", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    rows = json.loads(path.read_text())["rows"]
    assert [row["operation"] for row in rows] == [*existence.OPERATIONS, existence.PLANTED]
    for row in rows:
        assert min(row["known_us"], row["unknown_us"]) > 0
        assert f"| {row['operation']} |" in done.stdout
    assert (done.returncode != 0) is bool(existence.verdict([existence.Row(**row) for row in rows]))


def test_the_ticket_benchmark_measures_every_kind_within_the_aims_that_are_no_times(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "figures.json"
    monkeypatch.setattr(tickets, "ROUNDS", 1)
    monkeypatch.setattr(tickets, "PENDING", 50)
    monkeypatch.setattr("sys.argv", ["tickets", "--calls", "2", "--json", str(path)])
    tickets.main()
    printed, rows = capsys.readouterr().out, json.loads(path.read_text())["rows"]
    assert [row["kind"] for row in rows] == [*tickets.KINDS]
    for row in rows:
        assert min(row["seal_us"], row["open_us"], row["least_us"]) > 0
        assert row["adds"] <= 1000
        assert row["kilobytes"] <= (20 if "picture" in row["kind"] else 8)
        assert f"| {row['kind']} | {row['session']} |" in printed


def test_a_difference_is_found_where_there_is_one_and_the_slowest_tell_nothing():
    drawn = random.Random(7)

    def times(mean):
        return [drawn.gauss(mean, 100) for _ in range(2000)] + [1e6 * drawn.random()] * 20

    assert abs(existence.t_of(times(1000), times(1000))) < existence.FOUND
    assert existence.t_of(times(1020), times(1000)) > existence.FOUND
    assert existence.t_of(times(1000), times(1020)) < -existence.FOUND


def test_the_existence_benchmark_fails_for_a_leak_and_for_one_that_it_did_not_find():
    def row(operation, t):
        return existence.Row(operation, 5000, 1.0, 1.0, t, 0.0)

    clean, leak = row("password", 1.0), row("password", -9.0)
    found, lost = row(existence.PLANTED, 20.0), row(existence.PLANTED, 1.0)
    assert existence.verdict([clean, found]) == []
    assert len(existence.verdict([leak, found])) == 1
    assert len(existence.verdict([leak, lost])) == 2


async def test_no_read_of_a_pool_grows_with_its_users(tmp_path, monkeypatch):
    monkeypatch.setattr(user_list, "_WINDOW", 70)
    for module in (csv_file, uploads):
        monkeypatch.setattr(module, "PART_BYTES", 2048)
    execute, largest = database._Sqlite.execute, {"rows": 0, "size": 0}

    def executing(connection, sql, parameters=()):
        rows = execute(connection, sql, parameters)
        largest["rows"] = max(largest["rows"], len(rows))
        size = sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))
        largest["size"] = max(largest["size"], size)
        return rows

    monkeypatch.setattr(database._Sqlite, "execute", executing)
    reads = []
    for users in (150, 300):
        largest.update(rows=0, size=0)
        folder, told = tmp_path / str(users), []
        folder.mkdir()
        async with PoolServer(db=str(folder / "pool.db")) as server:
            theirs = many_users.PoolOwner(endpoint=server.endpoint, folder=folder, tell=told.append)
            found = {name: await to_thread.run_sync(act) for name, act in theirs.steps(users)}
        assert [*found.values()] == [0, users, users, users // many_users.TENTH, 0, users]
        assert told[-1] == f"Succeeded: {users} of {users} users imported"
        assert len((folder / "exported.csv").read_text().splitlines()) == 1 + users
        reads.append(dict(largest))
    assert reads[0] == reads[1]
    assert reads[0]["rows"] < 150


def test_the_benchmark_of_many_users_measures_a_pool_and_fails_where_memory_grows(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "figures.json"
    arguments = ["many_users", "--users", "5", "--json", str(path)]
    monkeypatch.setattr("sys.argv", arguments)
    many_users.main()
    printed, rows = capsys.readouterr().out, json.loads(path.read_text())["rows"]
    steps = [many_users.Step(**row) for row in rows]
    few, many = steps[: len(steps) // 2], steps[len(steps) // 2 :]
    assert [step.users for step in steps] == [5] * len(few) + [10] * len(many)
    assert many_users.table(few, many) in printed
    assert "Succeeded: 10 of 10 users imported" in printed
    grown = [evolve(step, peak_mb=step.peak_mb + 20) for step in many]
    assert len(many_users.verdict(few, grown)) == len(grown)
    assert many_users.verdict(few, [evolve(step, found=step.found + 1) for step in many])
