"""Notices about settings that would change something on Cognito and change nothing here."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import define, field

from authflow.pool.accounts.user_pool import FACTOR_SETTINGS, SENDERS
from authflow.pool.settings.app_client_table import APP_CLIENT
from authflow.pool.settings.factor_table import FACTORS_OF_POOL
from authflow.pool.settings.fates import Fate, Given
from authflow.pool.settings.user_pool_table import USER_POOL
from authflow.pool.store.sqlite_connection import Connection

_LOG: Final = logging.getLogger("authflow.pool")


def all_settings(connection: Connection) -> list[tuple[str, str, str | None]]:
    """Return the settings of all pools and their clients, for `Notices.tell_stored`.

    Returns:
        For each pool and each client: the pool's id, the settings as JSON, and the client's id.
    """
    return [
        *connection.execute("SELECT id, settings, NULL FROM user_pools ORDER BY id"),
        *connection.execute("SELECT pool_id, settings, id FROM app_clients ORDER BY pool_id, id"),
    ]


@define(kw_only=True)
class Notices:
    """Logs notices of settings, each once for a pool or client: one line for what is new.

    Args:
        kms: Whether the server has a KMS endpoint.
    """

    kms: bool = False
    _senders: set[str] = field(factory=set, init=False, repr=False)
    _told: set[tuple[str, str]] = field(factory=set, init=False, repr=False)

    def tell_pool(self, pool_id: str, settings: Mapping[str, Any]) -> None:
        """Log notices of a pool's settings.

        Args:
            pool_id: The pool.
            settings: What CreateUserPool, UpdateUserPool or SetUserPoolMfaConfig was given.
        """
        of_factors = {name: settings[name] for name in FACTOR_SETTINGS if name in settings}
        rest = {name: each for name, each in settings.items() if name not in of_factors}
        config = rest.get("LambdaConfig") or {}
        keyed = config.get("KMSKeyID")
        if rest and self._senders and not keyed:
            config = {source: {"LambdaArn": ""} for source in self._senders} | config
            rest["LambdaConfig"] = config
        encrypted = self.kms and keyed
        of_pool = USER_POOL.read(rest)
        found = (each for each in of_pool if not (encrypted and each.case.without_kms))
        self._tell(f"user pool {pool_id}", (*found, *FACTORS_OF_POOL.read(of_factors)))

    def tell_client(self, pool_id: str, client_id: str, settings: Mapping[str, Any]) -> None:
        """Log notices of an app client's settings.

        Args:
            pool_id: Its pool.
            client_id: The client.
            settings: What CreateUserPoolClient or UpdateUserPoolClient was given.
        """
        found = APP_CLIENT.read(settings)
        self._tell(f"app client {client_id} of user pool {pool_id}", found)

    def tell_triggers(self, sources: Iterable[str]) -> None:
        """Log the triggers that are served for all pools of this server but never run.

        Args:
            sources: Their keys in LambdaConfig.
        """
        if self.kms:
            # They run for the pools that name a key; the others are told of one by one.
            self._senders.update(SENDERS.intersection(sources))
            sources = set(sources) - SENDERS
        config = {
            source: "" if f"LambdaConfig.{source}" in USER_POOL else {"LambdaArn": ""}
            for source in sorted(sources)
        }
        self._tell("every user pool", USER_POOL.read({"LambdaConfig": config}))

    def tell_stored(self, stored: Iterable[tuple[str, str, str | None]]) -> None:
        """Log notices of the pools and clients in the file, when a server starts.

        Args:
            stored: What `all_settings` gave.
        """
        for pool_id, settings, client_id in stored:
            if client_id is None:
                self.tell_pool(pool_id, json.loads(settings))
            else:
                self.tell_client(pool_id, client_id, json.loads(settings))

    def _tell(self, whose: str, settings: Iterable[Given]) -> None:
        reasons: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for given in settings:
            if given.case.fate is Fate.TOLD and (whose, given.path) not in self._told:
                self._told.add((whose, given.path))
                reasons[given.case.because][given.spelled] = None
        if reasons:
            parts = (f"{', '.join(names)} ({because})" for because, names in reasons.items())
            _LOG.warning("%s has settings without effect here: %s", whose, "; ".join(parts))
