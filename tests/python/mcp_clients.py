"""Drives `ark-video mcp --simulate` with clients that are not ours: the official Python client on standard streams, in both
protocol generations, and the TypeScript inspector over HTTP. Each lists and calls every tool. A client that is not installed is
left out, and the output says so.
Usage: mcp_clients.py --ark-video PATH [--inspector PATH]
"""

import argparse
import asyncio
import json
import pathlib
import re
import subprocess
import sys
import tempfile

REQUEST = {"prompt": "A paper boat.", "model": "2.0-fast", "duration": 4, "resolution": "480p", "ratio": "1:1"}
TOOLS = {"check", "estimate", "models", "quote", "confirm", "wait", "get", "list", "cancel", "reconcile", "budget", "explain_error"}
# What a task can no longer do.
FAILS = {"cancel"}


def flags(folder):
    return ["mcp", "--simulate", "--speed", "50x", "--budget", "50CNY", "--per-call", "10CNY", "--root", folder]


async def python_client(ark_video, mode):
    from mcp import Client, StdioServerParameters

    asked = []

    async def person(_context, params):
        from mcp.types import ElicitResult

        asked.append(params.message)
        return ElicitResult(action="accept", content={"send": len(asked) == 1})

    with tempfile.TemporaryDirectory() as folder:
        server = StdioServerParameters(command=ark_video, args=[*flags(folder), "--confirm-above", "0.01CNY"], cwd=folder)
        async with Client(server, mode=mode, elicitation_callback=person) as client:
            listed = await client.list_tools()
            assert {tool.name for tool in listed.tools} == TOOLS, listed.tools
            called = set()

            async def call(tool, **arguments):
                called.add(tool)
                progress = []

                async def on_progress(*args):
                    progress.append(args)

                result = await client.call_tool(tool, arguments, progress_callback=on_progress)
                value = result.structured_content
                assert bool(result.is_error) == (tool in FAILS or value.get("code") == "not_confirmed"), (tool, value)
                return value

            assert (await call("check", **REQUEST))["valid"]
            assert (await call("estimate", **REQUEST))["estimate"]["cost"]["max"]["currency"] == "CNY"
            assert (await call("models"))["models"]
            quote = await call("quote", **REQUEST)
            first = await call("confirm", token=quote["token"])
            again = await call("confirm", token=quote["token"])
            assert first["task_id"] == again["task_id"], (first, again)
            ended = await call("wait", id=quote["token"], timeout_seconds=60)
            assert ended["state"] == "settled" and pathlib.Path(ended["video"]).is_file(), ended
            assert (await call("get", id=first["task_id"]))["video"] == ended["video"]
            assert (await call("list"))["total"] == 1
            assert (await call("budget"))["can_create"]
            assert "advice" in await call("reconcile")
            assert (await call("explain_error", code="QuotaExceeded"))["advice"]
            await call("cancel", id=quote["token"])
            declined = await call("confirm", token=(await call("quote", **REQUEST))["token"])
            assert declined["code"] == "not_confirmed" and len(asked) == 2, (declined, asked)
            assert called == TOOLS, TOOLS - called
            resources = (await client.list_resources()).resources
            read = await client.read_resource(resources[0].uri)
            assert "settled" in read.contents[0].text, read
            prompts = (await client.list_prompts()).prompts
            await client.get_prompt(prompts[0].name, {"description": "a boat"})
            print(f"Python client, {client.protocol_version}: {len(called)} tools, the person was asked {len(asked)} times")


def inspector(ark_video, program):
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [ark_video, *flags(folder), "--http", "127.0.0.1:0"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        try:
            url = token = None
            while not (url and token):
                line = server.stderr.readline()
                assert line, "the server ended"
                url = url or (m := re.match(r"MCP server: (\S+)", line)) and m[1]
                token = token or (m := re.match(r"bearer token, until the server stops: (\S+)", line)) and m[1]

            def run(*args, may_fail=False):
                command = [program, "--cli", url, "--transport", "http", "--header", f"Authorization: Bearer {token}", *args]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
                assert may_fail or done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
                return json.loads(done.stdout)

            def call(tool, **arguments):
                pairs = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
                result = run("--method", "tools/call", "--tool-name", tool, *pairs, may_fail=tool in FAILS)
                called.add(tool)
                assert bool(result.get("isError")) == (tool in FAILS), (tool, result)
                return result["structuredContent"]

            called = set()
            listed = run("--method", "tools/list", "--strict")
            assert {tool["name"] for tool in listed["tools"]} == TOOLS
            for tool in ("check", "estimate"):
                call(tool, **REQUEST)
            quote = call("quote", **REQUEST)
            task = call("confirm", token=quote["token"])
            ended = call("wait", id=task["id"], timeout_seconds=60)
            assert ended["state"] == "settled", ended
            for tool in ("models", "list", "budget", "reconcile"):
                call(tool)
            call("get", id=task["task_id"])
            call("cancel", id=task["id"])
            call("explain_error", code="QuotaExceeded")
            assert called == TOOLS, TOOLS - called
            assert run("--method", "resources/list")["resources"] and run("--method", "prompts/list")["prompts"]
            print(f"TypeScript inspector over HTTP: {len(called)} tools")
        finally:
            server.terminate()
            server.wait(timeout=20)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ark-video", required=True)
    parser.add_argument("--inspector")
    args = parser.parse_args()
    ark_video = str(pathlib.Path(args.ark_video).absolute())
    try:
        import mcp  # noqa: F401
    except ImportError:
        print("skipped: the Python client `mcp` is not there, so it has called no tool")
    else:
        for mode in ("legacy", "auto"):
            asyncio.run(python_client(ark_video, mode))
    if args.inspector and pathlib.Path(args.inspector).exists():
        inspector(ark_video, args.inspector)
    else:
        print("skipped: @modelcontextprotocol/inspector is not there, so it has called no tool")


if __name__ == "__main__":
    sys.exit(main())
