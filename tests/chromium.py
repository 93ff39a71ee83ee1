"""The browser of the tests: an installed Chromium, else Playwright's own, else the system's package."""

import shutil
import subprocess
import sys
from pathlib import Path

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str:
    """The path of a Chromium on this machine, empty if there is none. Playwright takes it as `executable_path`."""
    for name in INSTALLED:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else ""


def main() -> None:
    """See to it that there is a Chromium, and letters for Chinese; say which."""
    if (
        not find()
        and subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode != 0
    ):
        subprocess.run(["apt-get", "update", "-q"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium", "fonts-noto-cjk"], check=True)
    found = find()
    if not found:
        sys.exit("The browser tests need a Chromium: install the system's, or run `playwright install chromium`.")
    print(f"Browser: {found}")


if __name__ == "__main__":
    main()
