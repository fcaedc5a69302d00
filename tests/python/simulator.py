"""`ark-video simulate` for the scripts beside this file."""

import json
import subprocess
import urllib.request


class Simulator:
    """The simulator on a free port, with these flags, for as long as the block lasts."""

    def __init__(self, ark_video, *flags):
        self.command = [ark_video, "simulate", "--addr", "127.0.0.1:0", "--json", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = json.loads(self.process.stdout.readline())
        assert ready["ready"] is True, ready
        self.base_url, self.api_key, self.control_url = ready["base_url"], ready["api_key"], ready["control_url"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)

    def control(self, path, body=None):
        """Asks the control port."""
        return self._call(self.control_url + path, body, {})

    def api(self, path, body=None):
        """Calls the API without any runtime of the vendor's."""
        return self._call(self.base_url + path, body, {"Authorization": f"Bearer {self.api_key}"})

    def advance(self, **time):
        self.control("/clock/advance", time)

    def _call(self, url, body, headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers={**headers, "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
