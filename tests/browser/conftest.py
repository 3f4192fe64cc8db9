"""A browser for pages, and pages for it."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def absent(reason):
    """Skip with the reason, or fail where a browser has to be there."""
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(f"REQUIRE_BROWSER is set, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium, without a window."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        absent(f"there is no Chromium on this machine (looked for {', '.join(NAMES)})")
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        absent("playwright is not installed (it is among the development tools)")
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            absent(f"{path} does not start ({error.message.splitlines()[0]})")
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Opens a page without a network; whatever it complains of, or asks of others, fails the test."""
    contexts, said = [], []

    def open_page(file, *, scheme="light", width=1280, address=""):
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: said.append(r.url) if r.url.startswith("http") else None)
        page.goto(f"file://{file}{address}")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if "GPU stall" not in line] == []  # which software rendering has


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run of small networks on Mess3, trained for a moment, and its report."""
    return trained(tmp_path_factory.mktemp("store"), "mess3", "--model.n-ctx", "6", "--training", "short")


@pytest.fixture(scope="session")
def guarded_folder(tmp_path_factory):
    """The same of a process with constraints to switch on."""
    return trained(tmp_path_factory.mktemp("guarded"), "guarded")


def trained(store, *asked):
    from analysis.commands.main import main

    size = ("--model.n-layers", "1", "--model.d-model", "16", "--model.d-mlp", "16", "--model.d-head", "4")
    before = os.getcwd()
    os.chdir(store)
    try:
        assert main(["run", *asked, "--seeds", "2", "--steps", "60", *size]) == 0
    finally:
        os.chdir(before)
    (report,) = store.glob("runs/*/report.json")
    return report.parent


@pytest.fixture(scope="session")
def run_page(run_folder, tmp_path_factory):
    from analysis.commands.main import main

    file = tmp_path_factory.mktemp("pages") / "run.html"
    assert main(["report", str(run_folder), "-o", str(file)]) == 0
    return file
