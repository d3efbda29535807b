import pytest

from cratelist import Shelf


@pytest.fixture
def shelf():
    shelf = Shelf()
    shelf.install("browser", needs=["http", "fonts"], wanted=True)
    shelf.install("http", needs=["tls"])
    shelf.install("tls")
    shelf.install("fonts")
    return shelf


def test_who_needs_a_crate(shelf):
    assert shelf.users("tls") == ["http"]
    assert shelf.users("browser") == []


def test_a_needed_crate_stays(shelf):
    assert shelf.prune() == []
    assert shelf.crates() == ["browser", "fonts", "http", "tls"]


def test_a_released_crate_stays_while_another_needs_it(shelf):
    shelf.install("tls", wanted=True)
    shelf.release("tls")
    assert shelf.prune() == []


def test_an_empty_shelf_has_nothing_to_prune():
    assert Shelf().prune() == []
