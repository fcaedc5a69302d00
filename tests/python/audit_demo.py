"""What one user action costs when the answer to a create is lost: the vendor's Python runtime sends it again, and pays again.

One call of `create`, with a prompt that asks the simulator to accept the request and to close the connection. Meant to be audited:

    ark-video simulate --audit -- python tests/python/audit_demo.py
"""

import os
import sys

from volcenginesdkarkruntime import Ark
from volcenginesdkarkruntime._exceptions import ArkAPIConnectionError

PROMPT = "A paper boat drifts down a rainy gutter. [[fault:accept_then_drop]]"


def main():
    ark = Ark(base_url=os.environ["ARK_BASE_URL"], api_key=os.environ["ARK_API_KEY"])
    try:
        created = ark.content_generation.tasks.create(
            model="doubao-seedance-2-0-260128",
            content=[{"type": "text", "text": PROMPT}],
        )
    except ArkAPIConnectionError as error:
        print(f"one call of create ended in: {type(error).__name__}")
        return
    sys.exit(f"the answer was not lost: {created}")


if __name__ == "__main__":
    main()
