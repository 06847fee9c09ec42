"""The benchmark runs and measures; what it measures is nobody's business here."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_sign_in_benchmark_measures_every_client_and_writes_table_and_json(tmp_path):
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.sign_in", "--rounds", "1"]
    command += ["--concurrent", "2", "--sign-ins", "4", "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(path.read_text())["rows"]
    assert [row["client"] for row in rows] == [
        "authflow",
        "authflow, tokens unverified",
        "pycognito",
    ]
    for row in rows:
        assert row["concurrency"] == 2
        assert row["per_second"] > 0
        assert row["client_cpu_ms"] > 0
        assert f"| {row['client']} | 2 |" in done.stdout
