"""What a project is called among others."""

from __future__ import annotations

import pytest

from store.reads.names import told_apart


@pytest.mark.parametrize(
    ("project", "others", "shown"),
    [
        ("/robots/rescue", [], "rescue"),
        ("/robots/rescue", ["/robots/rescue", "/robots/dog"], "rescue"),
        ("/robots/rescue", ["/lab/rescue"], "robots/rescue"),
        ("/a/robots/rescue", ["/b/robots/rescue", "/lab/rescue"], "a/robots/rescue"),
        ("/robots/rescue", ["/x/robots/rescue"], "/robots/rescue"),
        ("/rescue", ["/x/rescue"], "/rescue"),
    ],
)
def test_as_much_of_its_path_as_tells_it_from_the_others(project, others, shown) -> None:
    assert told_apart(project, others) == shown
