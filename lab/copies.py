"""Many servers in no time: the rows of a real one, copied in Nova's databases.

Nova lists, shows, sorts and counts them as it does any other. They are on no host, so that no nova-compute
looks after them, and they are taken back in the same way: Nova need not delete them one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_PARTS = ("instance_extra", "instance_info_caches", "instance_system_metadata")
"""Tables with rows that belong to a server, without which Nova does not show it."""


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """What a copy has of its own. Everything else is as with the server it is a copy of."""

    id: str
    name: str
    created: str
    """``2026-01-31 12:00:00``"""
    vm_state: str = "active"
    memory_mb: int = 64


def statements(site: str, server: str, copies: Iterable[ServerCopy]) -> str:
    """The SQL that makes copies of a server of this ID."""
    nova, api = f"{site}_nova", f"{site}_nova_api"
    tables = [(f"{nova}.instances", "uuid")]
    tables += [(f"{nova}.{part}", "instance_uuid") for part in _PARTS]
    tables += [(f"{api}.instance_mappings", "instance_uuid")]
    sql = ["START TRANSACTION;"]
    for at, (table, column) in enumerate(tables):
        sql.append(f"CREATE TEMPORARY TABLE {nova}.copy{at} SELECT * FROM {table}")
        sql.append(f" WHERE {column} = '{server}';")
        sql.append(f"ALTER TABLE {nova}.copy{at} MODIFY id INT NULL;")
        sql.append(f"UPDATE {nova}.copy{at} SET id = NULL;")
    sql.append(f"UPDATE {nova}.copy0 SET host = NULL, node = NULL;")
    for copy in copies:
        for at, (_, column) in enumerate(tables):
            sql.append(f"UPDATE {nova}.copy{at} SET {column} = '{copy.id}';")
        sql.append(
            f"UPDATE {nova}.copy0 SET display_name = {_text(copy.name)}, vm_state = {_text(copy.vm_state)},"
            f" created_at = {_text(copy.created)}, memory_mb = {copy.memory_mb};"
        )
        for at, (table, _) in enumerate(tables):
            sql.append(f"INSERT INTO {table} SELECT * FROM {nova}.copy{at};")
    return "\n".join([*sql, "COMMIT;"])


def removal(site: str, copies: Iterable[str]) -> str:
    """The SQL that takes copies with these IDs back."""
    ids = ", ".join(f"'{each}'" for each in copies)
    tables = [f"{site}_nova_api.instance_mappings", *(f"{site}_nova.{part}" for part in _PARTS)]
    sql = [f"DELETE FROM {table} WHERE instance_uuid IN ({ids});" for table in tables]
    return "\n".join([*sql, f"DELETE FROM {site}_nova.instances WHERE uuid IN ({ids});"])


def _text(text: str) -> str:
    return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)"
