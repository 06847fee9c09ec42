"""The tools with which authors of challenge plugins and users of authflow test.

`TriggerChallengeSuite` and `ClientChallengeSuite` are conformance suites to inherit from; the
fixtures of `authflow.testing.pytest_plugin` are there wherever pytest runs. It needs the extra
`pool`.
"""

from typing import TYPE_CHECKING

from authflow.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from authflow.testing.cases import CaseResult, Violation, run_suite
    from authflow.testing.client_suite import ClientChallengeSuite
    from authflow.testing.clock import START, MovableClock
    from authflow.testing.cognito_calls import CognitoCalls, RefusedCall
    from authflow.testing.made import Made
    from authflow.testing.outbox import Outbox, Sent
    from authflow.testing.running_pool import ALL_FLOWS, PASSWORD, RunningPool, pool_at, run_pool
    from authflow.testing.sync_running_pool import SyncRunningPool, run_pool_in_thread
    from authflow.testing.trigger_suite import TriggerChallengeSuite
else:
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            "authflow.testing.cases": "CaseResult Violation run_suite",
            "authflow.testing.client_suite": "ClientChallengeSuite",
            "authflow.testing.clock": "START MovableClock",
            "authflow.testing.cognito_calls": "CognitoCalls RefusedCall",
            "authflow.testing.made": "Made",
            "authflow.testing.outbox": "Outbox Sent",
            "authflow.testing.running_pool": "ALL_FLOWS PASSWORD RunningPool pool_at run_pool",
            "authflow.testing.sync_running_pool": "SyncRunningPool run_pool_in_thread",
            "authflow.testing.trigger_suite": "TriggerChallengeSuite",
        },
    )

__all__ = [
    "ALL_FLOWS",
    "PASSWORD",
    "START",
    "CaseResult",
    "ClientChallengeSuite",
    "CognitoCalls",
    "Made",
    "MovableClock",
    "Outbox",
    "RefusedCall",
    "RunningPool",
    "Sent",
    "SyncRunningPool",
    "TriggerChallengeSuite",
    "Violation",
    "pool_at",
    "run_pool",
    "run_pool_in_thread",
    "run_suite",
]
