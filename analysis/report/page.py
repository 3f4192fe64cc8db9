"""Pages: one file each, which needs nothing beside it and no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import train
from processes.values.whole_file import write_text

from ..claim import squared
from . import words

INSTALL = 'pip install "toylab[report]"'


def check_installed() -> None:
    """Raises `train.RunError` if what pages are made with is not installed."""
    try:
        import bokeh  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError as missing:
        raise train.RunError(f"a report needs bokeh and jinja2 ({missing}); run {INSTALL}") from None


def write(file: Path, template: str, figures: Mapping[str, Any] | None = None, **values: Any) -> Path:
    """Write the page of a template, with Bokeh's figures by name, whole or not at all; returns the file.

    What is written as text is shown as text: names of processes are data, never markup. Raises `OSError` if
    the file cannot be written.
    """
    import jinja2
    from markupsafe import Markup

    from toylab import __version__

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__name__.rpartition(".")[0], "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: squared(value) if type(value) is str else value,
    )
    environment.filters["number"] = number
    environment.filters["span"] = span

    def source(name: str) -> Markup:
        """A style or a script, as it stands."""
        loader = environment.loader
        assert loader is not None
        return Markup(loader.get_source(environment, name)[0])

    library, script, divs = _bokeh(figures) if figures else ("", "", {})
    text = environment.get_template(template).render(
        version=__version__,
        source=source,
        library=Markup(library),
        script=Markup(script),
        figures={name: Markup(div) for name, div in divs.items()},
        signs=words.SIGNS,
        rule=words.RULE,
        **values,
    )
    write_text(file, text)
    return file


def _bokeh(figures: Mapping[str, Any]) -> tuple[str, str, Mapping[str, str]]:
    """Bokeh's own script, that of some figures, and where each of them goes."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    library = Resources(mode="inline", components=["bokeh", "bokeh-gl"]).render_js()
    script, divs = components(dict(figures), wrap_script=True)
    return library, script, divs


def number(value: float | None, form: str = ".4g") -> str:
    """A number, or a dash."""
    return "–" if value is None else format(value, f"z{form}")


def span(values: list[float | None], form: str = ".3f") -> str:
    """The range of some values, or the value where they print alike; a dash where they are not defined."""
    defined = [v for v in values if v is not None]
    if not defined:
        return "–"
    low, high = number(min(defined), form), number(max(defined), form)
    return low if low == high else f"{low} – {high}"
