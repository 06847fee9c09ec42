import resource

import pytest

from authflow.errors import ConfigError
from authflow.pool import PoolServer
from authflow.pool.file_limit import _raised, most_connections, raise_file_limit

NO_LIMIT = resource.RLIM_INFINITY


@pytest.fixture
def soft():
    """Set this very process's soft limit, for one test."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda number: resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (256, 1024, 1024),
        (1024, 1024, 1024),
        (1024, 4096, 2304),
        (4096, 4096, 4096),
        (1024, 1 << 30, 2304),
        (1024, NO_LIMIT, 2304),
        (NO_LIMIT, NO_LIMIT, NO_LIMIT),
    ],
)
def test_the_soft_limit_is_raised_as_needed_and_never_beyond_the_hard(soft, hard, raised):
    assert _raised(soft, hard) == raised


def test_the_limit_of_this_process_is_raised(soft):
    soft(300)
    assert most_connections() == 300 - 75
    raise_file_limit()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = 2048 + 256
    found = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert found == (needed if hard == NO_LIMIT else min(hard, needed), hard)


async def test_a_server_inside_a_program_leaves_the_programs_limit_alone(soft):
    soft(1000)
    async with PoolServer():
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1000


@pytest.mark.parametrize("files", [64, 256, 1024, 4096, 1 << 20])
def test_as_many_are_taken_as_fit_below_the_limit(monkeypatch, files):
    monkeypatch.setattr("authflow.pool.file_limit._file_limit", lambda: files)
    most = files - min(256, max(32, files // 4))
    assert most_connections() == min(most, 2048)
    assert most_connections(most) == most
    assert most_connections(2) == 2
    with pytest.raises(ConfigError, match=rf"may be {most} here, and not {most + 1}.*ulimit -n"):
        most_connections(most + 1)


@pytest.mark.parametrize("wanted", [1, 0, -1, 2.5, True, "100"])
async def test_what_is_no_number_of_connections_is_told_of(wanted):
    with pytest.raises(ConfigError, match="max_connections must be a whole number of at least 2"):
        async with PoolServer(max_connections=wanted):
            pass
