"""Real processes that `fork` makes have connections of their own."""

import pytest

pytestmark = pytest.mark.skipif("not hasattr(__import__('os'), 'fork')")


def test_a_client_that_was_used_serves_in_every_kind_of_child_and_in_the_parent(run):
    assert run("forks", "used", "workers", "inside").lines() == [
        *("parent ada 1", "child ada 1", "grandchild ada 1", "parent again ada 1"),
        *("parent ada 1", str(["SignedIn"] * 4)),
        *("parent ada 1", "child ada 1", "parent again ada 1"),
    ]


def test_a_process_forks_while_other_threads_call(run):
    assert run("forks", "in_flight").lines() == ["child ada 1", "parent ada 1"]


@pytest.mark.skipif("__import__('sys').platform != 'linux'")
def test_a_process_that_is_forked_without_pythons_hooks_has_a_loop_of_its_own(run):
    assert run("forks", "unhooked").lines() == ["parent ada 1", "child", "parent again ada 1"]


@pytest.mark.system("redis-server")
def test_store_pacing_and_kept_users_of_the_parent_serve_in_the_child(run, redis_url):
    program = run("forks", "kept", env={"REDIS_URL": redis_url})
    assert program.lines() == ["child", "SignedOutError", "SessionSpentError"]
