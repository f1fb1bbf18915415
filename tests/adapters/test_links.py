"""IDs and links in bodies of which nothing is declared."""

from typing import Any
from uuid import uuid4

from adapters.links import rewrite_guess, rewrite_links, rewrite_relative

A, B = str(uuid4()), str(uuid4())


def marked(kind: str, value: Any) -> Any:
    return f"{kind}:{value}"


def test_ids_are_told_by_their_names_and_shape() -> None:
    body = {
        "stack": {
            "id": A,
            "project_id": B,
            "server_ids": [A, "x"],
            "parent_uuid": A,
            "other_id": "x",
            "request_id": f"req-{A}",
            "name": A,
            "nested": [{"id": A}],
        }
    }
    assert rewrite_guess(body, marked) == {
        "stack": {
            "id": f"any:{A}",
            "project_id": f"project:{B}",
            "server_ids": [f"any:{A}", "x"],
            "parent_uuid": f"any:{A}",
            "other_id": "x",
            "request_id": f"req-{A}",
            "name": A,
            "nested": [{"id": f"any:{A}"}],
        }
    }


def test_free_text_stays() -> None:
    body = {"metadata": {"id": A}, "properties": {"image_id": A}, "tags": [A], "description": A}
    assert rewrite_guess(body, marked) == body


def test_links_in_all_their_forms() -> None:
    body = {
        "things": [{"links": [{"rel": "self", "href": "u1"}], "metadata": {"next": "u0"}}],
        "things_links": [{"rel": "next", "href": "u2"}],
        "links": {"self": "u3", "next": None},
        "next": "u4",
    }
    assert rewrite_links(body, str.upper) == {
        "things": [{"links": [{"rel": "self", "href": "U1"}], "metadata": {"next": "u0"}}],
        "things_links": [{"rel": "next", "href": "U2"}],
        "links": {"self": "U3", "next": None},
        "next": "U4",
    }
    assert rewrite_guess({"links": [{"href": "u"}]}, marked) == {"links": [{"href": "link:u"}]}


def test_relative_urls_stay_relative() -> None:
    assert rewrite_relative(f"/v2/images/{A}/file?x={B}&y=z{B}", marked) == (
        f"/v2/images/any:{A}/file?x=any:{B}&y=z{B}"
    )
