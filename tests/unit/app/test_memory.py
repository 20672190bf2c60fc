"""What a cycle leaves behind is given back when it has ended."""

import gc
import weakref

from dthostmon.app.memory import give_back_free_memory


class Link:
    def __init__(self) -> None:
        self.itself = self


def test_circles_of_references_are_given_back():
    gc.disable()
    try:
        seen = weakref.ref(Link())
        assert seen() is not None
        give_back_free_memory()
        assert seen() is None
    finally:
        gc.enable()
