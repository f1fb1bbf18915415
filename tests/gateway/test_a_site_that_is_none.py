"""Between the restart without a site and its removal, what spans sites has a part at one that nobody knows."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.errors import ExchangeRefused
from federator.asker import Asker


async def test_nobody_is_asked_there_and_it_is_said() -> None:
    asker = cast(Any, SimpleNamespace(sites={"paris": None}))
    with pytest.raises(ExchangeRefused, match="none of sites in federator"):
        await Asker.site_token(asker, cast(Any, None), "#7")
