"""The view of an answer, under a user's keys and a stream's pieces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Offset, Region
from textual.selection import SELECT_ALL, Selection
from textual.strip import Strip

from swebench_tui.tui.answer import AnswerView
from swebench_tui.tui.answer.line import Look
from tests.app.tui.pilot import rows_of, wait_until

NASTY = (
    "# **Title** \x1b]0;owned\x07\r\n"
    "[red]x[/] <patch> [link=http://x]y[/link] {braces} \x9b31m \u202e\u2066 \ud83d\n"
    "- *item* `co[b]de[/b]` 👩\u200d👧 日本語のテキストです e\u0301\n"
    "\tindented\ttab\n\n"
    "```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-    return *a*, **b\n+    return `c` " + "long " * 30 + "\n```\n"
    "<<<<<<< SEARCH\n*old*\n=======\n*new*\n>>>>>>> REPLACE\n" + "x" * 300 + "\nlast, *open"
)


class OneView(App[None]):
    CSS = "AnswerView { width: 100%; height: 100%; }"

    def __init__(self, view: AnswerView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


class WatchedView(AnswerView):
    """Counts the rows that are rendered for painting and not taken from the cache, and keeps the last paint."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.rendered = 0
        self._painting = False
        self._last_paint: dict[int, str] = {}

    @property
    def painted(self) -> list[str]:
        return [self._last_paint.get(y, "") for y in range(self.size.height)]

    def _segments(self, row: int) -> Iterator[Segment]:
        self.rendered += self._painting
        return super()._segments(row)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._painting = True
        strips = super().render_lines(crop)
        self._painting = False
        self._last_paint |= {y: strip.text.rstrip() for y, strip in zip(crop.line_range, strips, strict=True)}
        return strips


def strips(view: AnswerView) -> list[Strip]:
    """Every row of the view, on screen or not."""
    height = view.virtual_size.height
    return [view.render_line(y - view.scroll_offset.y) for y in range(height)]


def all_rows(view: AnswerView) -> list[str]:
    return [strip.text.rstrip() for strip in strips(view)]


def on_screen(view: AnswerView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def numbered(count: int, start: int = 0) -> str:
    return "".join(f"line {n}\n" for n in range(start, start + count))


def colours(view: AnswerView, y: int, *, piece: int = 0) -> tuple[Color | None, Color | None]:
    """Foreground and background of a piece of a row."""
    style = list(view.render_line(y))[piece].style
    return (style.color, style.bgcolor) if style else (None, None)


def pieces(view: AnswerView) -> list[str]:
    """The differently styled pieces of the first row."""
    return [segment.text for segment in view.render_line(0) if segment.text.strip()]


def at_end(view: AnswerView) -> bool:
    return view.max_scroll_y > 0 and view.scroll_offset.y == view.max_scroll_y


async def test_text_appears_as_it_is_appended() -> None:
    view = AnswerView()
    async with OneView(view).run_test(size=(20, 5)) as pilot:
        view.append("## Fi")
        await wait_until(pilot, lambda: on_screen(view)[0] == "## Fi", what="half a heading")
        view.append("x\n- a **bold")
        view.append("** word")
        await wait_until(pilot, lambda: on_screen(view)[:2] == ["## Fix", "- a bold word"], what="the rest")
        assert view.text == "## Fix\n- a **bold** word"


async def test_text_given_before_the_first_layout_is_shown_after_it() -> None:
    view = AnswerView("given\n")
    view.append("appended")
    async with OneView(view).run_test(size=(20, 5)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[:2] == ["given", "appended"], what="both lines")


@pytest.mark.parametrize("width", [12, 30, 80])
async def test_pieces_of_one_character_give_the_same_rows(width: int) -> None:
    whole, pieces = AnswerView(NASTY), AnswerView()
    async with OneView(whole).run_test(size=(width, 10)) as pilot:
        await wait_until(pilot, lambda: at_end(whole), what="the whole text")
        expected = strips(whole)
    async with OneView(pieces).run_test(size=(width, 10)) as pilot:
        await pilot.pause()
        for character in NASTY:
            pieces.append(character)
        await wait_until(pilot, lambda: at_end(pieces), what="the pieces")
        assert strips(pieces) == expected
        assert pieces.text == NASTY


@pytest.mark.parametrize("width", [3, 12, 30, 80])
async def test_nothing_is_cut_off_at_any_width(width: int) -> None:
    view = AnswerView(NASTY)
    async with OneView(view).run_test(size=(width, 10)) as pilot:
        await wait_until(pilot, lambda: at_end(view), what="the text")
        shown = "".join(strip.text for strip in strips(view)).replace("↳ ", "")
        selected = view.get_selection(SELECT_ALL)[0]
        assert "".join(shown.split()) == "".join(selected.split())
        assert all(cell_len(row) <= view.scrollable_content_region.width for row in all_rows(view))


async def test_markup_escapes_and_html_of_a_model_are_text() -> None:
    view = AnswerView(NASTY)
    app = OneView(view)
    async with app.run_test(size=(90, 40)) as pilot:
        await wait_until(pilot, lambda: "[red]x[/] <patch>" in on_screen(view)[1], what="the text")
        written = "".join(strip.render(app.console) for strip in strips(view))
        assert "␛]0;owned␇" in written
        assert "\x1b]" not in written
        assert not set("\x07\x9b\u202e\u2066\ud83d") & set(written)
        assert all(segment.style is None or segment.style.link is None for strip in strips(view) for segment in strip)


async def test_the_view_follows_the_end_until_scrolled_up() -> None:
    view = AnswerView(numbered(50))
    async with OneView(view).run_test(size=(20, 10)) as pilot:
        view.focus()
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 49", what="the end")
        await pilot.press("pageup")
        view.append(numbered(1, 50))
        await wait_until(pilot, lambda: view.scroll_y == view.scroll_target_y, what="the page up")
        top = on_screen(view)[0]
        assert view.scroll_offset.y < view.max_scroll_y
        view.append(numbered(20, 51))
        await pilot.pause()
        assert on_screen(view)[0] == top
        await pilot.press("end")
        view.append(numbered(30, 71))
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 100", what="the end again")
        view.append(numbered(1, 101))
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 101", what="a line after it")


async def test_the_wheel_leaves_the_end_and_finds_it() -> None:
    view = AnswerView(numbered(50))
    async with OneView(view).run_test(size=(20, 10)) as pilot:
        await wait_until(pilot, lambda: at_end(view), what="the end")
        await pilot._post_mouse_events([events.MouseScrollUp], view, (3, 3))
        await wait_until(pilot, lambda: view.scroll_y == view.scroll_target_y < view.max_scroll_y, what="the wheel")
        view.append(numbered(5, 50))
        await pilot.pause()
        assert not at_end(view)
        for _ in range(10):
            await pilot._post_mouse_events([events.MouseScrollDown], view, (3, 3))
        await wait_until(pilot, lambda: at_end(view), what="the end by wheel")
        view.append(numbered(5, 55))
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 59", what="the new end")


async def test_home_and_the_arrow_keys_move_by_rows() -> None:
    view = AnswerView(numbered(50))
    async with OneView(view).run_test(size=(20, 10)) as pilot:
        view.focus()
        await wait_until(pilot, lambda: at_end(view), what="the end")
        await pilot.press("home")
        await wait_until(pilot, lambda: on_screen(view)[0] == "line 0", what="the top")
        await pilot.press("down", "down", "up")
        await wait_until(pilot, lambda: on_screen(view)[0] == "line 1", what="one row down")


async def test_a_new_width_rewraps_and_keeps_the_top_text() -> None:
    view = AnswerView("".join(f"{n} " + "word " * 30 + "\n" for n in range(60)))
    async with OneView(view).run_test(size=(80, 10)) as pilot:
        view.focus()
        await wait_until(pilot, lambda: at_end(view), what="the end")
        await pilot.press("home")
        view.scroll_to(y=40, animate=False)
        await wait_until(pilot, lambda: view.scroll_y == 40, what="row 40")
        await wait_until(pilot, lambda: on_screen(view)[0].startswith("20 word"), what="line 20")
        for width in (33, 120, 50):
            await pilot.resize_terminal(width, 10)
            await wait_until(pilot, lambda: on_screen(view)[0].startswith("20 word"), what="line 20 still on top")
            assert max(map(cell_len, all_rows(view))) > width - 7


@pytest.mark.parametrize("size", [(30, 10), (80, 4), (80, 20)])
async def test_a_following_view_stays_at_the_end_after_resizing(size: tuple[int, int]) -> None:
    view = AnswerView("many words on a line " * 300 + "\nlast")
    async with OneView(view).run_test(size=(80, 10)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[-1] == "last", what="the end")
        await pilot.resize_terminal(*size)
        await wait_until(pilot, lambda: view.size.height == size[1] and on_screen(view)[-1] == "last", what="the end")
        view.append("\none more")
        await wait_until(pilot, lambda: on_screen(view)[-1] == "one more", what="the new end")


async def test_wrapped_items_are_indented_and_wrapped_code_is_marked() -> None:
    view = AnswerView("- one two three four\n```\nabcdefghijklmnopqr\n```\n12. three four")
    async with OneView(view).run_test(size=(13, 20)) as pilot:
        rows = ["- one two", "  three four", "```", "abcdefghijkl", "↳ mnopqr", "```", "12. three", "    four"]
        await wait_until(pilot, lambda: on_screen(view)[: len(rows)] == rows, what="the rows")


async def test_reasoning_is_shown_apart_from_the_answer() -> None:
    view = AnswerView()
    async with OneView(view).run_test(size=(30, 8)) as pilot:
        view.append_reasoning("hm, *so*")
        view.append("Answer")
        rows = ["── thinking ──", "hm, *so*", "── answer ──", "Answer"]
        await wait_until(pilot, lambda: on_screen(view)[:4] == rows, what="thought and answer")
        assert (view.text, view.reasoning) == ("Answer", "hm, *so*")


async def test_replace_shows_only_the_new_text_and_clear_nothing() -> None:
    view = AnswerView(numbered(50))
    view.append_reasoning("thought")
    async with OneView(view).run_test(size=(20, 10)) as pilot:
        view.focus()
        await wait_until(pilot, lambda: at_end(view), what="the end")
        await pilot.press("home")
        view.replace("```\nnew")
        await wait_until(pilot, lambda: on_screen(view) == ["```", "new", *[""] * 8], what="the new text")
        assert (view.text, view.reasoning, view.virtual_size.height) == ("```\nnew", "", 2)
        view.clear()
        view.append("# fresh")
        await wait_until(pilot, lambda: on_screen(view) == ["# fresh", *[""] * 9], what="a fresh start")
        view.replace(numbered(30))
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 29", what="the end of a replacement")


@pytest.mark.parametrize("height", [20, 200])
async def test_a_new_line_renders_alone_without_layout(height: int) -> None:
    view = WatchedView("```diff\n" + "".join(f"+line {n}\n" for n in range(300)))
    app = OneView(view)
    async with app.run_test(size=(40, height)) as pilot:
        await wait_until(pilot, lambda: view.painted[-1] == "+line 299", what="the end")
        await pilot.pause()
        layouts: list[object] = []
        app.screen.screen_layout_refresh_signal.subscribe(view, layouts.append)
        view.rendered = 0
        for n in range(300, 310):
            view.append(f"+line {n}\n")
            await pilot.pause()
            assert on_screen(view)[-1] == f"+line {n}"
        assert (view.rendered, layouts) == (10, [])


async def test_scrolling_back_and_forth_uses_the_rows_rendered_before() -> None:
    view = WatchedView(numbered(40))
    async with OneView(view).run_test(size=(40, 20)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 39", what="the end")
        view.scroll_home(animate=False)
        await wait_until(pilot, lambda: on_screen(view)[0] == "line 0", what="the top")
        view.rendered = 0
        view.scroll_end(animate=False)
        await wait_until(pilot, lambda: on_screen(view)[-1] == "line 39", what="the end again")
        assert view.rendered == 0


async def test_an_idle_view_has_no_timer_and_paints_nothing() -> None:
    view = WatchedView(numbered(5))
    async with OneView(view).run_test(size=(40, 20)) as pilot:
        await wait_until(pilot, lambda: view.painted[4] == "line 4", what="the text")
        await pilot.pause()
        assert not view._timers
        assert view.auto_refresh is None
        view._last_paint.clear()
        view.append("")
        view.append_reasoning("")
        await pilot.pause()
        assert view.painted == [""] * 20


async def test_the_mouse_selects_lines_as_they_were_before_wrapping() -> None:
    view = AnswerView("- one two three four *five*\n\n```\n+code more\n")
    app = OneView(view)
    async with app.run_test(size=(13, 20)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[1] == "  three four", what="the rows")
        await pilot.mouse_down(view, offset=(2, 0))
        await pilot.hover(view, offset=(4, 5))
        await pilot.mouse_up(view, offset=(4, 5))
        await wait_until(pilot, lambda: app.screen.get_selected_text() is not None, what="a selection")
        assert app.screen.get_selected_text() == "one two three four five\n\n```\n+code"
        view.append("more")
        await wait_until(pilot, lambda: on_screen(view)[6] == "more", what="text after the selection")
        assert app.screen.get_selected_text() == "one two three four five\n\n```\n+code"


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_selected_text_is_highlighted_and_legible(theme: str) -> None:
    view = AnswerView("one two")
    app = OneView(view)
    async with app.run_test(size=(13, 5)) as pilot:
        app.theme = theme
        await wait_until(pilot, lambda: on_screen(view)[0] == "one two", what="the text")
        app.screen.selections = {view: Selection(Offset(4, 0), Offset(7, 0))}
        await wait_until(pilot, lambda: pieces(view) == ["one ", "two"], what="two pieces")
        plain, selected = colours(view, 0), colours(view, 0, piece=1)
        assert selected[1] != plain[1]
        assert selected[0] != selected[1]
        app.screen.clear_selection()
        await wait_until(pilot, lambda: pieces(view) == ["one two"], what="no selection")


async def test_selecting_all_includes_trailing_empty_lines() -> None:
    view = AnswerView("a\n\n\n")
    async with OneView(view).run_test(size=(13, 5)):
        assert view.get_selection(SELECT_ALL) == ("a\n\n", "\n")


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light"])
async def test_added_and_removed_lines_differ_in_every_theme(theme: str) -> None:
    view = AnswerView("```diff\n+a\n-b\n c\n")
    app = OneView(view)
    async with app.run_test(size=(20, 8)) as pilot:
        app.theme = theme
        await wait_until(pilot, lambda: len({colours(view, y)[0] for y in (1, 2, 3)}) == 3, what="three colours")


async def test_a_new_theme_repaints_what_is_shown() -> None:
    view = AnswerView("# title")
    app = OneView(view)
    async with app.run_test(size=(20, 8)) as pilot:
        before = colours(view, 0)[0]
        app.theme = "textual-light"
        await wait_until(pilot, lambda: colours(view, 0)[0] != before, what="the other colour")


async def test_without_colours_attributes_and_characters_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    view = AnswerView("**bold** *italic* `code`\n```diff\n+a\n-b\n")
    app = OneView(view)
    async with app.run_test(size=(40, 8)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[2:4] == ["+a", "-b"], what="the diff")
        styles = {segment.text: segment.style for segment in view.render_line(0)}
        shown_styles = {text: (style.bold, style.italic, style.underline) for text, style in styles.items() if style}
        assert shown_styles["bold"][0]
        assert shown_styles["italic"][1]
        assert shown_styles["code"][2]
        colours = [segment.style.color for strip in rows_of(app.screen) for segment in strip if segment.style]
        assert all(len(set(colour.get_truecolor())) == 1 for colour in colours if colour)


@pytest.mark.parametrize("rule", ["border: round red", "padding: 1 2", "opacity: 60%", "tint: red 10%"])
async def test_a_decorated_view_shows_the_same_text(rule: str) -> None:
    view = AnswerView(numbered(50))

    class Decorated(OneView):
        CSS = f"{OneView.CSS} AnswerView {{ {rule}; }}"

    app = Decorated(view)
    async with app.run_test(size=(40, 12)) as pilot:
        await wait_until(pilot, lambda: at_end(view), what="the end")
        screen = "\n".join(strip.text for strip in rows_of(app.screen))
        assert all(row in screen for row in on_screen(view))
        view.append("one more")
        await wait_until(pilot, lambda: on_screen(view)[-1] == "one more", what="the new line")


async def test_what_arrives_is_painted_whether_it_scrolls_or_not() -> None:
    view = WatchedView("one\ntw")
    async with OneView(view).run_test(size=(20, 4)) as pilot:
        await wait_until(pilot, lambda: view.painted == ["one", "tw", "", ""], what="the first text")
        view.append("o\nthree")
        await wait_until(pilot, lambda: view.painted == ["one", "two", "three", ""], what="more, without scrolling")
        view.append("\nfour\nfive\nsix")
        await wait_until(pilot, lambda: view.painted == ["three", "four", "five", "six"], what="more, with scrolling")
        view.replace("seven")
        await wait_until(pilot, lambda: view.painted == ["seven", "", "", ""], what="the replacement")


async def test_the_scroll_bar_keeps_up_though_it_is_seldom_painted() -> None:
    view = AnswerView(numbered(500))
    async with OneView(view).run_test(size=(20, 10)) as pilot:
        await wait_until(pilot, lambda: at_end(view), what="the end")
        view.append(numbered(1, 500))
        bar = view.vertical_scrollbar
        assert (bar.window_virtual_size, bar.position) == (501, view.max_scroll_y)
        view.scroll_home(animate=False)
        await wait_until(pilot, lambda: bar.position == 0, what="the bar at the top")


async def test_a_view_without_height_shows_its_text_later() -> None:
    view = AnswerView(numbered(50))
    async with OneView(view).run_test(size=(30, 10)) as pilot:
        await wait_until(pilot, lambda: at_end(view), what="the end")
        view.styles.height = 0
        await wait_until(pilot, lambda: view.size.height == 0, what="no height")
        view.append(numbered(50, 50))
        view.styles.width = 20
        await wait_until(pilot, lambda: view.size == (20, 0), what="another width")
        view.styles.height = 10
        await wait_until(pilot, lambda: view.size == (20, 10) and on_screen(view)[-1] == "line 99", what="the end")


async def test_an_empty_view_may_have_its_scroll_bar_always() -> None:
    view = AnswerView()
    async with OneView(view).run_test(size=(30, 10)) as pilot:
        view.styles.overflow_y = "scroll"
        await wait_until(pilot, lambda: view.show_vertical_scrollbar, what="the bar")
        view.append("a")
        view.clear()
        await wait_until(pilot, lambda: on_screen(view) == [""] * 10, what="nothing")


async def test_a_view_that_was_just_removed_can_still_be_painted() -> None:
    view = AnswerView("text")
    async with OneView(view).run_test(size=(30, 10)) as pilot:
        await wait_until(pilot, lambda: on_screen(view)[0] == "text", what="the text")
        await view.remove()
        view.notify_style_update()
        assert view.render_line(0).text == "text".ljust(30)


def test_every_look_has_a_component_class() -> None:
    assert len(AnswerView.COMPONENT_CLASSES) == len(list(Look))
