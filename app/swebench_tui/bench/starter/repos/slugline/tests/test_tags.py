from slugline import TagIndex


def test_capitals_make_no_other_tag():
    index = TagIndex()
    index.add("Python", "a.html")
    index.add("PYTHON", "b.html")
    assert index.pages("python") == ["a.html", "b.html"]
    assert index.names() == ["Python"]


def test_composed_and_decomposed_accents_are_one_tag():
    index = TagIndex()
    index.add("caf\u00e9", "a.html")
    assert index.pages("Cafe\u0301") == ["a.html"]


def test_blanks_are_one_blank():
    index = TagIndex()
    index.add(" open  data ", "a.html")
    assert index.pages("Open Data") == ["a.html"]


def test_an_unused_tag_has_no_pages():
    assert TagIndex().pages("nothing") == []
