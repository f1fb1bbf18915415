"""Fill the @NAMES@ of a template; a name nobody has a value for is an error, not an empty string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab.layout import SOURCE, LabError

TEMPLATES = SOURCE / "templates"
_NAME = re.compile(r"@([A-Z][A-Z0-9_]*)@")

Values = Mapping[str, object]


def fill(text: str, values: Values) -> str:
    missing = {name for name in _NAME.findall(text) if name not in values}
    if missing:
        raise LabError(f"no value for {', '.join(sorted(missing))} in a template")
    return _NAME.sub(lambda found: str(values[found.group(1)]), text)


def fill_file(template: Path, target: Path, values: Values) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(fill(template.read_text(), values))
    target.chmod(0o600)
