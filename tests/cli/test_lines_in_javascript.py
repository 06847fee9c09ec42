"""The few lines that make a process of a handler in JavaScript: they answer as Lambda does.

They stand in docs/guides/prove-a-policy.md.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

LINES = Path(__file__).parents[1] / "triggers" / "handlers" / "lines.mjs"
EVENT = {"request": {"session": []}, "response": {}}

FILLED = """
const filled = (event) => {
  event.response.challengeName = "CUSTOM_CHALLENGE";
  return event;
};
const later = (answer) => setTimeout(answer, 1);
"""
JAVASCRIPT = {
    "returns it": "(event) => filled(event)",
    "returns it and takes a context": "(event, context) => filled(event)",
    "awaits": "async (event) => { await null; return filled(event); }",
    "awaits and takes a callback": "async (event, context, callback) => filled(event)",
    "calls back": "(event, context, callback) => callback(null, filled(event))",
    "calls back later": "(event, c, callback) => later(() => callback(null, filled(event)))",
    "calls back in a block": "(event, c, callback) => { callback(undefined, filled(event)); }",
    "is done": "(event, context) => context.done(null, filled(event))",
    "is done later": "(event, context) => { later(() => context.done(null, filled(event))); }",
    "succeeds": "(event, context) => context.succeed(filled(event))",
    "succeeds later": "(event, context) => later(() => context.succeed(filled(event)))",
    "takes its arguments": "(...given) => given[2](null, filled(given[0]))",
    "reads the context": """async (event, context) => {
        context.callbackWaitsForEmptyEventLoop = false;
        if (!context.awsRequestId || !context.functionName || !context.invokedFunctionArn
            || !(context.getRemainingTimeInMillis() > 0)) throw new Error("no context");
        return filled(event); }""",
    "prints": """async (event) => {
        console.log("seen", event); console.info("seen"); console.debug("seen");
        console.dir({ seen: 1 }); console.table([{ seen: 1 }]); console.warn("seen");
        process.stdout.write("seen\\n"); return filled(event); }""",
}


FAILING = [
    ('(event, context, callback) => callback("no luck")', "no luck"),
    ('(event, context, callback) => callback(new Error("no luck"))', "Error: no luck"),
    ('(event, context) => context.fail(new Error("no luck"))', "Error: no luck"),
    ('(event, context) => context.done("no luck", event)', "no luck"),
    ('async () => { throw new TypeError("no luck"); }', "TypeError: no luck"),
    ('() => { throw new TypeError("no luck"); }', "TypeError: no luck"),
    ("async (event) => { event.itself = event; return event; }", "TypeError: Converting"),
    ("async () => 7n", "TypeError: Do not know how"),
]
SILENT = [
    "(event) => {}",
    "async (event) => {}",
    "(event, context, callback) => callback(null)",
    "(event, context) => context.succeed()",
    "async (event, context, callback) => { later(() => callback(null, filled(event))); }",
]


@pytest.fixture
def asked(tmp_path):
    """Ask a handler twice."""

    def ask(handler: str) -> tuple[list[Any], str]:
        module = tmp_path / "define.mjs"
        module.write_text(f"{FILLED}\nexport const handler = {handler};")
        done = subprocess.run(
            ["node", str(LINES), module.as_uri()],
            input=f"{json.dumps(EVENT)}\n" * 2,
            capture_output=True,
            text=True,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return ask


@pytest.mark.system("node")
@pytest.mark.parametrize("name", JAVASCRIPT)
def test_a_handler_may_answer_in_every_way_that_lambda_takes(asked, name):
    replies, printed = asked(JAVASCRIPT[name])
    assert replies == [{**EVENT, "response": {"challengeName": "CUSTOM_CHALLENGE"}}] * 2
    assert ("seen" in printed) is (name == "prints")


@pytest.mark.system("node")
@pytest.mark.parametrize(("handler", "told"), FAILING)
def test_a_handler_that_fails_says_why(asked, handler, told):
    for reply in asked(handler)[0]:
        assert reply.keys() == {"errorMessage"}
        assert reply["errorMessage"].startswith(told)


@pytest.mark.system("node")
@pytest.mark.parametrize("handler", SILENT)
def test_a_handler_that_answers_nothing_gives_null_as_on_lambda(asked, handler):
    assert asked(handler)[0] == [None, None]
