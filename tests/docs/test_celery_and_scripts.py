"""docs/guides/celery-and-scripts.md: what it shows runs as it stands."""

from authflow.keys import KeyRing
from testbed.pages import examples
from testbed.pool_beside import *  # noqa: F403  # fixtures

EXAMPLES = examples("docs/guides/celery-and-scripts.md", "script", "flask")


def test_the_script_signs_in(run):
    assert run(EXAMPLES["script"]).lines() == ["ada is signed in for 3600 seconds"]


def test_the_flask_application_signs_in_and_protects_its_view(run):
    program = run(
        EXAMPLES["flask"]
        + """
browser = app.test_client()
print(browser.post("/sign-in", data={"username": "ada"}).json)
done = browser.post("/answer", data={"answer": "open sesame"}).json
headers = {"Authorization": "Bearer " + done["access_token"]}
print(browser.get("/me", headers=headers).json, browser.get("/me").status)
print(browser.post("/answer", data={"answer": "again"}).json)
""",
        env={
            "AUTHFLOW_KEYS": KeyRing.generate().to_json().reveal(),
            "FLASK_SECRET_KEY": "a test's",
        },
    )
    assert program.lines() == [
        "{'challenge': 'word'}",
        "{'username': 'ada'} 401 UNAUTHORIZED",
        "{'code': 'seal'}",
    ]
