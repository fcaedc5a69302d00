"""Headless Chromium for the scripts beside this file."""

import subprocess
import tempfile
import time

PHONE = (390, 844)
DESKTOP = (1280, 900)


class Browser:
    def __init__(self, chromium):
        self.chromium = chromium

    def command(self, profile, *flags):
        return [self.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}", *flags]

    def dump(self, url, *flags):
        """The document as it is after a minute of the page's own time."""
        return self._run("--virtual-time-budget=60000", "--timeout=60000", *flags, "--dump-dom", url)

    def screenshot(self, url, to, size=DESKTOP, dark=False):
        """What a visitor sees first, as a PNG of this size."""
        scheme = "0" if dark else "1"
        self._run(f"--window-size={size[0]},{size[1]}", f"--blink-settings=preferredColorScheme={scheme}",
                  "--virtual-time-budget=15000", "--timeout=60000", f"--screenshot={to}", url)

    def open_for(self, url, seconds, *flags, is_loaded=lambda: True):
        """Keeps a page open so long in real time once it is loaded, for which a busy machine may need a minute."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            opened = subprocess.Popen(self.command(profile, "--remote-debugging-port=0", *flags, url),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                deadline = time.monotonic() + 60
                while not is_loaded() and time.monotonic() < deadline:
                    time.sleep(0.1)
                time.sleep(seconds)
            finally:
                opened.kill()
                opened.wait(timeout=20)

    def _run(self, *flags):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            return subprocess.run(self.command(profile, *flags), capture_output=True, text=True, timeout=180).stdout
