import pytest

from slugline import is_slug, make_slug, unique_slug


@pytest.mark.parametrize("text", ["a", "news", "top-10", "2024-in-numbers"])
def test_slugs(text):
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "-", "News", "a--b", "-a", "a-", "a_b", "caf\u00e9"])
def test_not_slugs(text):
    assert not is_slug(text)


def test_a_title_becomes_a_slug():
    title = "What's new? Ten things!"
    assert make_slug(title) == "what-s-new-ten-things"
    assert is_slug(make_slug(title))


def test_a_title_without_letters_is_untitled():
    assert make_slug("???") == "untitled"


def test_a_taken_slug_gets_a_number():
    assert unique_slug("News", {"news", "news-2"}) == "news-3"
