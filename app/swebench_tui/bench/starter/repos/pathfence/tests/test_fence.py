import pytest

from pathfence import Fence, OutsideError


@pytest.fixture
def fence():
    return Fence("/srv/www/")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("index.html", "/srv/www/index.html"),
        ("./css//site.css", "/srv/www/css/site.css"),
        ("css/../index.html", "/srv/www/index.html"),
        ("changes/v1..v2.diff", "/srv/www/changes/v1..v2.diff"),
        ("/srv/www/index.html", "/srv/www/index.html"),
    ],
)
def test_names_inside(fence, name, path):
    assert fence.resolve(name) == path


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "/etc/passwd", "css/../../secret"])
def test_names_outside(fence, name):
    with pytest.raises(OutsideError, match="is outside of /srv/www"):
        fence.resolve(name)


@pytest.mark.parametrize("name", ["", ".", "css/.."])
def test_the_folder_itself_is_inside(fence, name):
    assert fence.resolve(name) == "/srv/www"


def test_everything_is_inside_the_root_of_the_disk():
    assert Fence("/").resolve("etc/hosts") == "/etc/hosts"


def test_the_folder_must_be_absolute():
    with pytest.raises(ValueError, match="absolute path"):
        Fence("srv/www")


def test_what_stays_inside(fence):
    assert fence.inside(["b", "../a", "a"]) == ["b", "a"]
