"""API stories: what they are written in, and how one is told.

A file of stories is one subject. Each story is a name and a list of requests, told in order; no story needs
another. The words are those of gabbi (OpenStack's own tool for this), which itself does not fit: it has to know
host and port before anything runs, and cannot tell one story about every site.

    a server at $site can be shown:             # with $site in its name it is told once for each site
      - POST: /compute/v2.1/servers             # below the gateway's URL; "as: admin" or "as: nobody" else
        request_headers: {X-Federation-Site: $site}
        data: {server: {name: web-$mark, ...}}  # JSON; a text is sent as it is
        status: 202                             # 200 if it is not said
        response_headers: {Content-Type: application/json}
        save: {server: server.id}               # from here on $server is known
      - GET: /compute/v2.1/servers/$server
        eventually: true                        # asked again until all of it is so
        response_json_paths: {server.status: ACTIVE, length(server.links): 2}

Paths into JSON are JMESPath. What is expected may be a /regular expression/. What is known from the start is
listed at `Stage` in conftest.py; $mark is a word that no other story has.
"""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jmespath
import requests
import yaml

from tests.e2e.waiting import LONGEST_SECONDS

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
ABOUT_REQUEST = {"as", "request_headers", "data"}
ABOUT_ANSWER = {
    "status",
    "response_headers",
    "response_forbidden_headers",
    "response_strings",
    "response_json_paths",
    "save",
    "save_headers",
    "eventually",
}
SITES = ("paris", "tokyo")
REQUEST_ID = r"req-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"

_VARIABLE = re.compile(r"\$(?:\{([a-z_]+)\}|([a-z_]+))")

Step = Mapping[str, Any]
Known = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One story, and the site it is about if it is told of each."""

    name: str
    site: str
    steps: tuple[Step, ...]


class _Loader(yaml.SafeLoader):
    """Refuses a story whose name is taken, which YAML would forget in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(name) for name in names if names.count(name) > 1}
        assert not twice, f"{node.start_mark}: told twice: {twice}"
        return super().construct_mapping(node, deep)


def stories(path: Path) -> Iterator[Story]:
    """The stories of a file, those about $site once for each site."""
    for name, steps in yaml.load(path.read_text(), _Loader).items():
        for step in steps:
            unknown = step.keys() - METHODS - ABOUT_REQUEST - ABOUT_ANSWER
            assert not unknown, f"{path.name}: {name}: {unknown}"
            assert len(step.keys() & METHODS) == 1, f"{path.name}: {name}: {step}"
        for site in SITES if "$site" in name else ("",):
            yield Story(name.replace("$site", site), site, tuple(steps))


@dataclass(frozen=True)
class Teller:
    """Tells stories to a gateway. `tokens` are by who asks."""

    http: requests.Session
    url: str
    tokens: Mapping[str, str]
    hidden: frozenset[str]
    """Addresses that no answer may hold."""

    def tell(self, story: Story, known: Mapping[str, Any]) -> None:
        """Tell a story. Raises AssertionError with what was asked and answered."""
        words: Known = {**known, "mark": uuid.uuid4().hex[:8]}
        if story.site:
            other = next(site for site in SITES if site != story.site)
            prefix = f"{story.site}_"
            words |= {
                name.removeprefix(prefix): v for name, v in known.items() if name.startswith(prefix)
            }
            words |= {"site": story.site, "other_site": other}
        for step in story.steps:
            deadline = time.monotonic() + (LONGEST_SECONDS if step.get("eventually") else 0)
            while (wrongs := self._wrongs(step, words)) and time.monotonic() < deadline:
                time.sleep(0.3)
            assert not wrongs, "\n".join([self._asked(step, words), *wrongs])

    def _asked(self, step: Step, words: Known) -> str:
        return " ".join(
            str(filled(step[key], words))[:1000] for key in step if key in METHODS | {"data"}
        )

    def _wrongs(self, step: Step, words: Known) -> list[str]:
        """What is not as it should be; nothing means that everything is, and what was to be saved is."""
        answer = self._ask(step, words)
        headers = "".join(f"\n{name}: {value}" for name, value in answer.headers.items())
        wrongs = list(_differences(answer, filled(step, words)))
        wrongs += [f"it shows {each}" for each in self.hidden if each in headers + answer.text]
        if wrongs:
            wrongs.append(
                f"\n{answer.status_code} {answer.reason}{headers}\n\n{answer.text[:3000]}"
            )
        else:
            for name, path in step.get("save", {}).items():
                words[name] = found(answer, filled(path, words))
                assert words[name] is not None, f"nothing to save at {path}: {answer.text[:3000]}"
            for name, header in step.get("save_headers", {}).items():
                words[name] = answer.headers[header]
        return wrongs

    def _ask(self, step: Step, words: Known) -> requests.Response:
        method = next(iter(step.keys() & METHODS))
        path = str(filled(step[method], words))
        token = self.tokens.get(step.get("as", "member"))
        headers = {"X-Auth-Token": token} if token else {}
        headers |= {n: str(v) for n, v in filled(step.get("request_headers", {}), words).items()}
        data = filled(step.get("data"), words)
        if data is not None and not isinstance(data, str):
            data = json.dumps(data)
            headers.setdefault("Content-Type", "application/json")
        return self.http.request(
            method,
            path if path.startswith("http") else self.url + path,
            headers=headers,
            data=data.encode() if data is not None else None,
            allow_redirects=False,
            timeout=120,
        )


def filled(value: Any, words: Mapping[str, Any]) -> Any:
    """A value with what is known put in. A text that is nothing but a $word becomes what that stands for."""
    if isinstance(value, dict):
        return {filled(key, words): filled(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, words) for each in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return words[whole[1] or whole[2]]
    return _VARIABLE.sub(lambda match: str(words[match[1] or match[2]]), value)


def found(answer: requests.Response, path: str) -> Any:
    """What stands in an answer's JSON at a path."""
    return jmespath.search(path, answer.json())


def _differences(answer: requests.Response, step: Step) -> Iterator[str]:
    status = step.get("status", 200)
    if answer.status_code != status:
        yield f"the status is {answer.status_code}, not {status}"
        return
    if not re.fullmatch(REQUEST_ID, answer.headers.get("X-Openstack-Request-Id", "")):
        yield "there is no request ID"
    for name, wanted in step.get("response_headers", {}).items():
        if not _fits(answer.headers.get(name), wanted):
            yield f"{name} is {answer.headers.get(name)!r}, not {wanted!r}"
    for name in step.get("response_forbidden_headers", []):
        if name in answer.headers:
            yield f"there is {name}: {answer.headers[name]}"
    for text in step.get("response_strings", []):
        if text not in answer.text:
            yield f"{text!r} is not in it"
    paths = step.get("response_json_paths", {})
    if paths and "json" not in answer.headers.get("Content-Type", ""):
        yield "it is not JSON"
        return
    for path, wanted in paths.items():
        there = found(answer, path)
        if not _fits(there, wanted):
            yield f"{path} is {there!r}, not {wanted!r}"


def _fits(there: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and len(wanted) > 1 and wanted[0] == wanted[-1] == "/":
        return isinstance(there, str) and re.search(wanted[1:-1], there) is not None
    return bool(there == wanted) and (isinstance(there, bool) is isinstance(wanted, bool))
