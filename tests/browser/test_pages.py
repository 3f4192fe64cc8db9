"""Pages in a real browser: they open without an error and without a network, what is pointed at is told, what
is filtered is filtered.
"""

import json
import re

import numpy as np
import pytest

from analysis.commands.main import main
from analysis.figures.record import Record
from analysis.figures.simplex import CORNER_POSITIONS
from analysis.report.verdicts import latest

pytestmark = pytest.mark.browser


def told(record, seed=None):
    """Held-out histories as they are written, where they lie in the truth, and which context each is."""
    e = record.evidence
    rows = np.flatnonzero(e["fold"] >= 0)
    words = [" ".join(map(str, word[word >= 0])) for word in e["words"][rows]]
    return words, e["belief"][rows] @ CORNER_POSITIONS, rows


def on_screen(page, panel, x, y):
    """Where a point of a panel is on the screen."""
    return page.evaluate(
        """([panel, x, y]) => {
          const plot = report.named(panel);
          const view = Bokeh.index.find_one(plot).el.getBoundingClientRect();
          const [w, h] = [plot.inner_width, plot.inner_height];
          const left = view.left + (view.width - w) / 2, top = view.top + (view.height - h) / 2;
          const along = (range, v) => (v - range.start) / (range.end - range.start);
          return [left + w * along(plot.x_range, x), top + h * (1 - along(plot.y_range, y))];
        }""",
        [panel, float(x), float(y)],
    )


def lonely(where):
    """The point that is farthest from every other."""
    apart = np.linalg.norm(where[:, None] - where[None], axis=2) + 10 * np.eye(len(where))
    return int(apart.min(1).argmax())


@pytest.mark.parametrize("panel", ["exact", "trained", "untrained"])
def test_a_history_that_is_pointed_at_is_told_and_lights_up_everywhere(panel, run_page, run_folder, opened):
    record, page = Record(run_folder), opened(run_page)
    words, exact, rows = told(record)
    e, network = record.evidence, record.typical(record.final["trained"]["r2"])
    fresh = record.typical(record.final["untrained"]["r2"])
    places = {
        "exact": exact,
        "trained": e["trained_points_final"][network][rows] @ CORNER_POSITIONS,
        "untrained": e["untrained_points_final"][fresh][rows] @ CORNER_POSITIONS,
    }
    inside = np.abs(places[panel] - 0.45).max(1) < 0.5  # early probes may lie beyond the frame
    k = np.flatnonzero(inside)[lonely(places[panel][inside])]
    page.locator(".panels").scroll_into_view_if_needed()
    page.mouse.move(*on_screen(page, panel, *places[panel][k]))
    page.wait_for_function("report.state().lit !== ''")
    assert page.locator("#card").get_attribute("data-history") == words[k]
    assert page.locator("#card .word").inner_text() == words[k]
    assert page.input_value("#find") == words[k]
    lit = page.evaluate(
        "Object.fromEntries(Object.entries(report.named('lit').data).map(([k, v]) => [k, [...v]]))"
    )
    for which, where in places.items():
        reach = np.ptp(where)
        assert np.allclose([lit[f"x {which}"], lit[f"y {which}"]], where[k][:, None], atol=reach / 30_000)
    said = [float(v) for v in page.locator("#card .bars > span:nth-child(3n)").all_inner_texts()]
    prediction = np.exp(e["trained_log_prediction"][network][rows[k]])
    both = np.stack([e["next_token"][rows[k]], prediction], 1).ravel()
    assert np.allclose(said, [*e["belief"][rows[k]], *both], atol=1.1e-4)


def test_a_history_is_found_by_keyboard(run_page, run_folder, opened):
    words, _, _ = told(Record(run_folder))
    page = opened(run_page)
    page.locator("#find").focus()
    page.keyboard.type(words[-1])
    assert page.evaluate("report.state().lit") == words[-1]
    page.keyboard.press("ArrowUp")
    assert page.evaluate("report.state().lit") not in ("", words[-1])
    page.fill("#find", "0 9")
    assert page.evaluate("report.state().lit") == ""
    assert "none of the histories" in page.locator("#card").inner_text()


def test_training_is_followed_by_keyboard(run_page, run_folder, opened):
    page = opened(run_page)
    steps = json.loads(page.locator("#about").inner_text() or page.evaluate("about.textContent"))["steps"]
    assert steps[0] == 0 and steps[-1] == 60
    words, _, _ = told(Record(run_folder))
    page.fill("#find", words[-1])
    ended = page.evaluate(f"report.where('trained', {words[-1]!r})")
    heat = page.locator("#heat").inner_text()
    page.locator("#step").focus()
    page.keyboard.press("Home")
    assert page.evaluate("report.state().step") == 0
    assert page.locator("#at").inner_text().startswith("step 0")
    begun = page.evaluate(f"report.where('trained', {words[-1]!r})")
    assert np.abs(np.subtract(begun, ended)).max() > 0.01 and page.locator("#heat").inner_text() != heat
    page.keyboard.press("End")
    assert np.allclose(page.evaluate(f"report.where('trained', {words[-1]!r})"), ended)
    page.click("#play")
    page.wait_for_function("report.state().step === 2")
    page.click("#play")


def test_panels_are_enlarged_together_and_come_back(run_page, opened):
    page = opened(run_page)
    page.check("#beliefs .move")
    page.locator(".panels").scroll_into_view_if_needed()
    page.mouse.move(*on_screen(page, "exact", 0.5, 0.3))
    page.mouse.wheel(0, -300)
    page.wait_for_function("!document.querySelector('#beliefs .back').disabled")
    ranges = [page.evaluate(f"report.named('{p}').x_range.end") for p in ("exact", "untrained")]
    assert ranges[0] == ranges[1] < 1.1
    page.click("#beliefs .back")
    assert page.evaluate("report.named('exact').x_range.end") == pytest.approx(1.11)


FIGURES = ("exact", "trained", "untrained", "by position", "over training")
NEARER = 0.8  # of what is seen, as the page has it


def seen(page, name):
    """What a figure shows, along x and y, as it is drawn there: logarithms on logarithmic axes."""
    ranges = page.evaluate(
        """(name) => {
          const { x_range, y_range, x_scale, y_scale } = report.named(name);
          const to = (scale) => scale.type === "LogScale" ? Math.log10 : Number;
          return [[x_range, x_scale], [y_range, y_scale]].map(([r, s]) => [r.start, r.end].map(to(s)));
        }""",
        name,
    )
    return np.array(ranges)


def by_keys(page, name, press=None):
    """A figure is moved, enlarged and shown whole again by keys, which others of its group may follow."""
    press = press or page.keyboard.press
    page.locator(f'[data-plot="{name}"]').focus()
    whole = seen(page, name)
    span = np.ptp(whole, 1)
    for key, way in (
        ("ArrowRight", (1, 0)),
        ("ArrowUp", (0, 1)),
        ("ArrowLeft", (-1, 0)),
        ("ArrowDown", (0, -1)),
    ):
        press(key)
        moved = (seen(page, name) - whole) / span[:, None]
        assert np.allclose(moved, 0.1 * np.array(way)[:, None], atol=1e-9), (name, key)
        press("0")
        assert np.allclose(seen(page, name), whole), name
    for key, size in (("+", NEARER), ("=", NEARER), ("-", 1 / NEARER)):
        press(key)
        found = seen(page, name)
        assert np.allclose(np.ptp(found, 1), size * span) and np.allclose(found.mean(1), whole.mean(1)), key
        press("0")
    assert np.allclose(seen(page, name), whole)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_moved_and_enlarged_by_keyboard(name, run_page, opened):
    by_keys(opened(run_page), name)


def test_deaf_keys_are_caught(run_page, opened):
    page = opened(run_page)
    with pytest.raises(AssertionError, match="ArrowRight"):
        by_keys(page, "exact", press=lambda key: page.locator("#find").press(key))


def test_the_figure_of_constraints_is_moved_by_keyboard_and_mouse(guarded_folder, tmp_path, opened):
    file = tmp_path / "guarded.html"
    assert main(["report", str(guarded_folder), "-o", str(file)]) == 0
    page = opened(file)
    described_and_reached(page)
    by_keys(page, "violation by subset")
    whole = seen(page, "violation by subset")
    page.check("#constraints .move")
    plot = page.locator('[data-plot="violation by subset"]')
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert (seen(page, "violation by subset")[0] < whole[0] - 1e-3).all()
    page.click("#constraints .back")
    assert np.allclose(seen(page, "violation by subset"), whole)


def described_and_reached(page):
    """Every figure has a name, is told its keys, and shows when it has been reached by Tab."""
    plots = page.locator("[role=application]")
    assert plots.count() == page.evaluate("Bokeh.documents.flatMap((d) => d.roots()).length") > 0
    names = [plots.nth(k).get_attribute("aria-label") for k in range(plots.count())]
    assert all(names) and len(set(names)) == len(names)
    for k in range(plots.count()):
        line = page.locator("#" + plots.nth(k).get_attribute("aria-describedby"))
        assert line.is_visible() and all(w in line.inner_text() for w in ("arrow keys", "+", "−", "0"))
    reached = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(80):
        page.keyboard.press("Tab")
        name, ring = page.evaluate(
            """() => {
              const { activeElement: it } = document, { outlineStyle, outlineWidth } = getComputedStyle(it);
              return [it.dataset.plot, outlineStyle !== "none" && parseFloat(outlineWidth) > 1];
            }"""
        )
        if name:
            assert ring, name
            reached.add(name)
    assert len(reached) == plots.count()


def test_every_figure_has_a_name_and_shows_that_it_has_the_focus(run_page, opened):
    described_and_reached(opened(run_page))


def test_keys_of_the_browser_are_left_to_it(run_page, opened):
    page = opened(run_page)
    page.locator('[data-plot="exact"]').focus()
    kept = page.evaluate(
        """() => {
          const pressed = (key, held) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, cancelable: true, [held]: true }),
          );
          const keys = ["+", "-", "0", "ArrowLeft", "Tab", "a"];
          return keys.map((key) => ["ctrlKey", "metaKey", "altKey", ""].map((held) => pressed(key, held)));
        }"""
    )
    assert np.array(kept)[:, :3].all() and np.array(kept)[:, 3].tolist() == [False] * 4 + [True] * 2


def test_what_was_moved_stays_so_over_training_until_it_is_shown_whole(run_page, opened):
    page = opened(run_page)
    back = page.locator("#loss .back")
    assert back.is_disabled()
    page.locator('[data-plot="by position"]').focus()
    page.keyboard.press("+")
    near = seen(page, "by position")
    page.locator("#step").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    assert np.allclose(seen(page, "by position"), near) and back.is_enabled()
    back.click()
    assert back.is_disabled() and np.ptp(seen(page, "by position"), 1).min() > np.ptp(near, 1).min()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(scheme, run_page, opened):
    page = opened(run_page, scheme=scheme)

    def lightness():
        text = page.evaluate(
            """() => [
              getComputedStyle(document.body).backgroundColor,
              report.named("by position").below[0].axis_label_text_color,
            ]"""
        )
        paper = [int(v) for v in text[0].removeprefix("rgb(").rstrip(")").split(",")]
        ink = [int(text[1][i : i + 2], 16) for i in (1, 3, 5)]
        return np.mean(paper), np.mean(ink)

    paper, ink = lightness()
    assert (paper > 200 and ink < 60) if scheme == "light" else (paper < 50 and ink > 200)
    for _ in range(2 if scheme == "light" else 1):
        page.click("#theme")
    other, _ = lightness()
    assert (other < 50) == (scheme == "light")


def test_nothing_is_wider_than_a_phone(run_page, guarded_folder, tmp_path, opened):
    guarded, index, claim = (tmp_path / f"{name}.html" for name in ("guarded", "index", "claim"))
    assert main(["report", str(guarded_folder), "-o", str(guarded)]) == 0
    assert main(["report", "-o", str(index)]) == 0
    assert main(["report", "BG1", "-o", str(claim)]) == 0
    for file in (run_page, guarded, index, claim):
        page = opened(file, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_subset_of_constraints_that_is_pointed_at_is_told(guarded_folder, tmp_path, opened):
    file = tmp_path / "guarded.html"
    assert main(["report", str(guarded_folder), "-o", str(file)]) == 0
    page = opened(file)
    subsets = Record(guarded_folder).report["subsets"]
    subset = max(subsets, key=lambda s: s["load"])
    where = page.evaluate(
        """(load) => {
          const plot = report.named("violation by subset"), data = report.named("subsets").data;
          const k = [...data.load].findIndex((l) => Math.abs(l - load) < 1e-9);
          const view = Bokeh.index.find_one(plot);
          view.el.scrollIntoView({ block: "center", behavior: "instant" });
          const { x_scale, y_scale } = view.frame, { left, top } = view.el.getBoundingClientRect();
          return [left + x_scale.compute(data.load[k]), top + y_scale.compute(data.relative[k])];
        }""",
        subset["load"],
    )
    page.mouse.move(*where)
    page.wait_for_timeout(300)
    page.mouse.move(where[0] + 1, where[1])
    tooltip = page.locator(".bk-Tooltip")
    tooltip.first.wait_for(timeout=5000)
    page.wait_for_timeout(300)
    said = tooltip.first.evaluate("e => (e.shadowRoot ?? e).textContent")  # Bokeh writes it into a shadow
    # Several may lie under the pointer, and each is told.
    told = re.findall(r"(\d[\d, ]*) load: ([\d.]+).*?violation mass: ([\d.]+e[-+]?\d+)", said, re.S)
    by_name = {", ".join(map(str, s["on"])): s for s in subsets}
    assert told and any(abs(float(load) - subset["load"]) < 1e-4 for _, load, _ in told)
    for on, load, mass in told:
        assert float(load) == pytest.approx(by_name[on]["load"], abs=5e-5)
        assert float(mass) == pytest.approx(np.mean(by_name[on]["violation"]), rel=5e-3)


def test_filters_filter(tmp_path, opened):
    file, (found, _) = tmp_path / "index.html", latest(None)
    assert main(["report", "published", "-o", str(file)]) == 0
    page = opened(file)
    rows = page.locator(".index > details:visible")
    assert rows.count() == len(found)
    page.select_option("select[name=outcome]", "refuted")
    refuted = [v for v in found if v.outcome == "refuted"]
    assert rows.count() == len(refuted) and page.locator("#count").inner_text().startswith(
        f"{len(refuted)} of"
    )
    assert page.locator(".index > details:visible .badge.refuted").count() == len(refuted)
    page.select_option("select[name=asked]", "rrxor")
    both = [v for v in refuted if v.asked == "rrxor"]
    assert rows.count() == len(both) > 0
    address = page.evaluate("location.hash")
    again = opened(file, address=address)
    assert again.locator(".index > details:visible").count() == len(both)
    page.click("button[type=reset]")
    page.fill("input[name=words]", "bg12")
    assert rows.count() == sum(v.claim == "BG12" for v in found)


def test_a_verdict_is_opened_by_keyboard(tmp_path, opened):
    file = tmp_path / "index.html"
    assert main(["report", "-o", str(file)]) == 0
    page = opened(file)
    first = page.locator(".index > details").first
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert first.locator("table.findings").is_visible()


def test_the_page_of_a_claim_opens(tmp_path, opened):
    file = tmp_path / "claim.html"
    assert main(["report", "bg4", "-o", str(file), "--store", str(tmp_path)]) == 0
    page = opened(file)
    found = [v for v in latest(None)[0] if v.claim == "BG4"]
    assert page.locator("article.verdict").count() == len(found) > 0
    assert page.locator("#terms tr.rival").count() == sum(bool(c.rival) for c in found[0].controls)
