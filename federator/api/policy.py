"""Who may ask our own API for what: oslo.policy, with the personas of every OpenStack service.

An operator overrides some of the rules (`federator.api.rules`) in a `policy.yaml`, which is read again when
it has changed. A file that cannot be used stops the start; later on it is not taken, and what was in force
stays in force.

oslo.policy's own way of reading files is not used: it lets a broken rule pass as
one that forbids, and a broken file as one that is not there.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
import yaml
from oslo_config import cfg
from oslo_policy.policy import Enforcer, InvalidDefinitionError, Rules

from adapters.errors import SettingsError
from adapters.identity import Identity
from federator.api.rules import RULES
from federator.faults import Forbidden

log = structlog.get_logger(__name__)


class Policy:
    """The rules in force. Raises SettingsError if the file cannot be used."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._seen: object = None
        if path is None:
            self._enforcer = _enforcer({})
        else:
            self._seen = _signature(path)
            self._enforcer = _enforcer(_overrides(path), path)

    def allows(self, rule: str, identity: Identity, project_id: str | None = None) -> bool:
        """Whether this login may do what the rule is about, to what is this project's (or its own)."""
        self._catch_up()
        target = {"project_id": project_id or identity.project_id}
        return bool(self._enforcer.enforce(rule, target, _credentials(identity)))

    def require(self, rule: str, identity: Identity) -> None:
        """Raise Forbidden unless this login may do what the rule is about."""
        if not self.allows(rule, identity):
            raise Forbidden(f"Policy doesn't allow {rule} to be performed.")

    def _catch_up(self) -> None:
        if self._path is None or (now := _signature(self._path)) == self._seen:
            return
        self._seen = now
        try:
            self._enforcer = _enforcer(_overrides(self._path), self._path)
        except SettingsError as error:
            log.error("policy not taken; the one before stays in force", reason=str(error))
        else:
            log.info("policy read again", path=str(self._path))


def _signature(path: Path) -> object:
    """Something that changes with the file."""
    try:
        found = os.stat(path)
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


def _overrides(path: Path) -> dict[str, str]:
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); correct policy_file"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f'{path}: is not a mapping; write "RULE": "WHO" lines')
    known = {rule.name for rule in RULES}
    for name, who in data.items():
        if not isinstance(who, str):
            raise SettingsError(f"{path}: {name}: is not a text; write who may do it, in quotes")
        if str(name).startswith("federation:") and name not in known:
            wanted = ", ".join(sorted(each for each in known if each.startswith("federation:")))
            raise SettingsError(f"{path}: {name}: there is no such rule; known are {wanted}")
        if _ASKS_OTHERS.search(who):
            raise SettingsError(
                f"{path}: {name}: asks another server, which is not supported; say it by roles"
            )
    return {str(name): who for name, who in data.items()}


_ASKS_OTHERS = re.compile(r"\bhttps?:")


def _enforcer(overrides: Mapping[str, str], path: Path | None = None) -> Enforcer:
    texts = {rule.name: str(rule.check_str) for rule in RULES} | dict(overrides)
    rules = Rules.from_dict(texts)
    for name, check in rules.items():
        # What oslo.policy cannot parse it takes for "nobody".
        if "!" in str(check) and "!" not in texts[name]:
            raise SettingsError(
                f"{path}: {name}: {texts[name]!r} is not in the language of policies"
            )
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    enforcer = Enforcer(conf, rules=rules, use_conf=False)
    for rule in RULES:
        enforcer.registered_rules[rule.name] = rule
    try:
        enforcer.check_rules(raise_on_violation=True)
    except InvalidDefinitionError as error:
        names = ", ".join(re.findall(r"'([^']+)'", str(error)))
        raise SettingsError(
            f"{path}: {names}: refers to a rule that is not there, or in a circle; correct it"
        ) from None
    return enforcer


def _credentials(identity: Identity) -> dict[str, Any]:
    token = identity.body["token"]
    known = {
        "user_id": identity.user_id,
        "user_domain_id": identity.user_domain_id,
        "project_id": identity.project_id,
        "project_domain_id": identity.project_domain_id,
        "domain_id": (token.get("domain") or {}).get("id"),
        "system_scope": "all" if token.get("system") else None,
    }
    # A rule must not find that "nothing" is equal to "nothing".
    credentials: dict[str, Any] = {name: value for name, value in known.items() if value}
    return credentials | {"roles": sorted(identity.roles)}
